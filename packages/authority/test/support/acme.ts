import { after } from 'node:test';
import { buildCsr, buildName, parseIpAddress, subjectAltName } from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import { AcmeTestClient, eventually, serveDns, serveHttp } from '@countersign/testkit';
import type { AccountKey, AcmeResponse, ExternalKey, TestDnsServer, TestHttpServer } from '@countersign/testkit';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import type { NodeKeyPair } from '@countersign/trust';
import type { AuthorityOptions } from '../../src/index.ts';
import type { Target } from './client.ts';
import { runningTest } from './running.ts';
import type { RunningTest } from './running.ts';

/** An authority with ACME, a name server that it asks, and a web server that it validates at. */
export interface AcmeTest extends RunningTest {
  readonly directory: string;
  /** The listener. */
  readonly enroll: Target;
  readonly dns: TestDnsServer;
  readonly web: TestHttpServer;
  /** Key authorizations by token, as the web server answers them. */
  readonly answers: Map<string, string>;
  client(key?: AccountKey): Promise<AcmeTestClient>;
  /** A client with an account. */
  registered(external?: ExternalKey): Promise<AcmeTestClient>;
  externalKey(policy?: object): Promise<ExternalKey>;
}

/** Starts one. `acme` adds to its options; validation of loopback addresses is allowed, at the web server's port. */
export async function acmeTest(
  acme: AuthorityOptions['acme'] = {},
  options: Partial<AuthorityOptions> = {},
): Promise<AcmeTest> {
  const dns = await serveDns();
  const answers = new Map<string, string>();
  const web = await serveHttp((request, response) => {
    const answer = answers.get(request.url?.split('/').at(-1) ?? '');
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  const running = await runningTest({
    enroll: '127.0.0.1:0',
    acme: {
      ...acme,
      validation: { allow: ['127.0.0.0/8'], ports: { http: web.port }, resolver: [dns.address], ...acme.validation },
    },
    ...options,
  });
  const directory = `https://${running.authority.listen.enroll}/acme/directory`;
  const client = (key?: AccountKey): Promise<AcmeTestClient> => new AcmeTestClient(directory, running.ca, key).open();
  return {
    ...running,
    directory,
    enroll: { port: Number(new URL(directory).port), ca: running.ca },
    dns,
    web,
    answers,
    client,
    registered: async (external) => {
      const made = await client();
      const answer = await made.register({}, external);
      if (answer.status !== 201) throw new Error(answer.text);
      return made;
    },
    externalKey: async (policy = {}) => {
      const answer = await running.ask('POST', '/v1/acme-keys', { name: 'tests', ...policy });
      if (answer.status !== 200) throw new Error(answer.text);
      return answer.body;
    },
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      await web[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
    },
  };
}

/** A request in base64url for `names`, by a new key or the one given. */
export async function acmeCsr(names: readonly GeneralName[], commonName?: string, key?: NodeKeyPair): Promise<string> {
  const { privateKey } = key ?? (await generateKeyPair('p256'));
  const subject = buildName(commonName === undefined ? [] : [{ type: 'CN', value: commonName }]);
  const extensions = names.length > 0 ? [subjectAltName(names)] : [];
  return Buffer.from(await buildCsr({ subject, extensions }, nodeSigner(privateKey))).toString('base64url');
}

/** A dns name as an identifier, and as what a request asks for. */
export function dns(value: string): { readonly type: 'dns'; readonly value: string } {
  return { type: 'dns', value };
}

/** Asks for a resource until its status is no longer one of these. */
export async function settled(client: AcmeTestClient, url: string, ...passing: string[]): Promise<AcmeResponse> {
  return eventually(`${url} is settled`, 20_000, async () => {
    const answer = await client.post(url);
    return passing.includes(answer.body.status) ? undefined : answer;
  });
}

let shared: Promise<AcmeTest> | undefined;

/** The one that tests share which leave no trace for each other. */
export function sharedAcme(): Promise<AcmeTest> {
  shared ??= acmeTest();
  return shared;
}

after(async () => {
  const running = await shared;
  await running?.[Symbol.asyncDispose]();
});

/** The type of a problem, without its URN; undefined for what is no problem document. */
export function problemType({ body, headers }: AcmeResponse): string | undefined {
  if (headers['content-type'] !== 'application/problem+json') return undefined;
  return /^urn:ietf:params:acme:error:(?<type>\w+)$/u.exec(body.type)?.groups?.['type'];
}

/** Orders, finalizes and downloads for an account that needs no challenge. */
export async function enrolled(
  client: AcmeTestClient,
  names: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[],
  options: { readonly key?: NodeKeyPair; readonly order?: object } = {},
): Promise<{ readonly order: string; readonly chain: string }> {
  const order = await client.order(names, options.order);
  const general = names.map(({ type, value }) =>
    type === 'ip' ? { type, value: parseIpAddress(value) ?? new Uint8Array() } : { type, value },
  );
  const csr = await acmeCsr(general, undefined, options.key);
  const final = await client.post(order.body.finalize, { csr });
  if (final.body.status !== 'valid') throw new Error(`${order.text} ${final.text}`);
  const { text: chain } = await client.post(final.body.certificate);
  return { order: order.headers.location ?? '', chain };
}

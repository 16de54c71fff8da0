// Every kind of credential, and every endpoint: what docs/doors.md is made of.
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { routes } from '@countersign/protocol';
import type { Route } from '@countersign/protocol';
import { base64urlOf, createRoot, signJwsObject, temporaryFolder } from '@countersign/testkit';
import type { AcmeTestClient, ExternalKey } from '@countersign/testkit';
import { acmeTest } from './acme.ts';
import type { AcmeTest } from './acme.ts';
import { open } from './client.ts';
import type { ClientIdentity, Target } from './client.ts';
import { basic, estRequest } from './est.ts';
import { newRequest } from './keys.ts';

/** What somebody brings. */
export interface Credential {
  readonly name: string;
  readonly identity?: ClientIdentity;
  /** Whose certificate it is, without `of-`; else the profile. */
  readonly holder?: string;
  /** Brought in the Authorization field. */
  readonly secret?: () => Promise<string>;
  readonly socket?: true;
  /** Signs ACME's requests. */
  readonly sign?: (url: string) => Promise<object>;
}

/** A door, and a request that is right for whoever may use it. */
export interface Door {
  readonly name: string;
  readonly group: 'API' | 'EST' | 'ACME' | 'plain HTTP';
  ask(credential: Credential): Promise<string>;
}

export interface DoorsTest extends AsyncDisposable {
  readonly credentials: readonly Credential[];
  readonly doors: readonly Door[];
}

const profiles = ['admin', 'gateway', 'client', 'device', 'peer', 'person', 'server'];
const sansOf = (profile: string): { type: 'dns'; value: string }[] =>
  profile === 'gateway' || profile === 'server' ? [{ type: 'dns', value: `${profile}.doors.test` }] : [];

/** How far the authority's clock is put on after its start. */
const shiftMs = 2 * 3_600_000;

/** Refusals that are about what was asked, not about who asks. */
const aboutContent = new Set(['name_not_proven', 'profile_forbids', 'renewal_refused', 'key_revoked']);

/** Asks, and says `yes` where the door has opened, else the code with which it did not. A stream is not read to its end. */
async function asked(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
  stream = false,
): Promise<string> {
  const incoming = await open(target, method, path, body, headers);
  const status = incoming.statusCode ?? 0;
  if (stream && status === 200) {
    incoming.destroy();
    return 'yes';
  }
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
  if (status >= 500) throw new Error(`${method} ${path}: ${status} ${text}`);
  if (status < 400) return 'yes';
  const code = /^\s*\{/u.test(text) ? codeOf(JSON.parse(text)) : (text.split(':')[0] ?? '').trim();
  const closed = [401, 403, 421].includes(status) || code === 'not_found' || path.startsWith('/acme/');
  return closed && !aboutContent.has(code) ? code : 'yes';
}

function codeOf({ code, type }: { code?: string; type?: string }): string {
  return code ?? type?.split(':').at(-1) ?? 'refused';
}

/** Starts an authority with every listener, and makes one of each credential. */
export async function doorsTest(): Promise<DoorsTest> {
  const folder = temporaryFolder('countersign-doors-');
  const factory = await createRoot('Factory');
  writeFileSync(join(folder.path, 'factory.pem'), factory.pem);
  const factories = { sensors: { ca: [join(folder.path, 'factory.pem')], name: 'sensor-{cn}' } };
  let ahead = 0;
  const running = await acmeTest(
    {},
    {
      est: { factories, serverKeygen: { device: {} } },
      profiles: { device: { renewalGraceSeconds: 3600 } },
      administrators: { 'of-registrar': { profiles: ['client'], names: ['cn:doors'] } },
      // Late enough for certificates to have ended since their CA was made.
      clock: () => Date.now() + ahead,
    },
  );
  ahead = shiftMs;
  const account = await running.registered();
  const external = await running.externalKey();
  const identity = async (made: ReturnType<typeof factory.issue>): Promise<ClientIdentity> => {
    const { keyPem, chainPem } = await made;
    return { key: keyPem, cert: chainPem };
  };
  const revoked = await running.issued('of-revoked', 'device');
  await running.ask('POST', '/v1/revocations', { serial: revoked.serial });
  const ended = async (name: string, minutesAgo: number): Promise<ClientIdentity> =>
    running.issued(name, 'device', { notAfter: new Date(Date.now() + shiftMs - minutesAgo * 60_000).toISOString() });
  const ours: Credential[] = [];
  for (const profile of profiles) {
    const issued = await running.issued(`of-${profile}`, profile, { sans: sansOf(profile) });
    ours.push({ name: `our certificate: ${profile}`, identity: issued });
  }
  const credentials: Credential[] = [
    { name: 'none' },
    { name: 'enrollment token', secret: () => newToken(running) },
    { name: 'ACME account key', sign: (url) => signedBy(account, url), secret: () => compact(account) },
    {
      name: 'external account key',
      sign: (url) => macBy(account, external, url),
      secret: async () => external.hmacKey,
    },
    ...ours,
    {
      name: 'our certificate: admin with a scope',
      identity: await running.issued('of-registrar', 'admin'),
      holder: 'registrar',
    },
    { name: "factory's certificate", identity: await identity(factory.issue('x1', { usages: null, keyUsage: null })) },
    { name: 'our certificate, expired within grace', identity: await ended('of-late', 10), holder: 'late' },
    { name: 'our certificate, expired beyond grace', identity: await ended('of-gone', 100), holder: 'gone' },
    { name: 'our certificate, revoked', identity: revoked },
    { name: "another CA's certificate", identity: await identity((await createRoot()).issue('of-client')) },
    { name: 'local socket', socket: true },
  ];
  return {
    credentials,
    doors: [...(await apiDoors(running)), ...estDoors(running), ...acmeDoors(running), ...plainDoors(running)],
    [Symbol.asyncDispose]: async () => {
      account[Symbol.dispose]();
      await running[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

async function newToken(running: AcmeTest): Promise<string> {
  const { body } = await running.ask('POST', '/v1/tokens', { name: 'of-token', profile: 'device' });
  return body.token;
}

async function signedBy(client: AcmeTestClient, url: string): Promise<object> {
  const header = { alg: client.key.algorithm, nonce: await client.nonce(), url };
  const isNew = url.endsWith('/new-account');
  const payload = isNew ? { onlyReturnExisting: true } : url.endsWith('/new-order') ? order : {};
  return signJwsObject(
    { ...header, ...(isNew ? { jwk: client.key.jwk } : { kid: client.account }) },
    payload,
    client.key,
  );
}

const order = { identifiers: [{ type: 'dns', value: 'a.doors.test' }] };

/** What whoever has only the key of an external account can sign. */
async function macBy(client: AcmeTestClient, { id, hmacKey }: ExternalKey, url: string): Promise<object> {
  const head = base64urlOf({ alg: 'HS256', nonce: await client.nonce(), url, kid: id });
  const payload = base64urlOf(order);
  const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(`${head}.${payload}`);
  return { protected: head, payload, signature: mac.digest('base64url') };
}

async function compact({ key }: AcmeTestClient): Promise<string> {
  const jws = signJwsObject(
    { alg: key.algorithm, jwk: key.jwk, typ: 'countersign-enroll+jwt' },
    { sub: 'of-token' },
    key,
  );
  return `${jws.protected}.${jws.payload}.${jws.signature}`;
}

function targetOf(running: AcmeTest, { socket, identity }: Credential): Target {
  return socket ? running.local : running.remote(identity);
}

async function bearer({ secret }: Credential): Promise<Record<string, string>> {
  return secret === undefined ? {} : { authorization: `Bearer ${await secret()}` };
}

async function apiDoors(running: AcmeTest): Promise<Door[]> {
  const { csr } = await newRequest();
  const bodies: Readonly<Record<string, object>> = {
    issue: { name: 'doors', profile: 'client', csr },
    revoke: { name: 'nobody-at-all' },
    release: { name: 'nobody-at-all' },
    approve: { id: 'nothing' },
    deny: { id: 'nothing', reason: 'a test' },
    token: { name: 'doors' },
    enroll: { csr },
    renew: { csr },
    acmeKey: { name: 'doors' },
    acmeKeyRemoval: { id: 'nothing' },
  };
  const forGateway = { name: 'gateway.doors.test', profile: 'server', csr };
  return Object.entries<Route>(routes).map(([name, { method, path, stream }]) => ({
    group: 'API',
    name: `${method} ${path}`,
    ask: async (credential) => {
      const isGateway = credential.name.endsWith(': gateway');
      const body = name === 'issue' && isGateway ? forGateway : (bodies[name] ?? {});
      const at = path.replace(/:\w+/u, 'abcd');
      const sent = method === 'POST' ? body : undefined;
      return asked(targetOf(running, credential), method, at, sent, await bearer(credential), stream);
    },
  }));
}

function estDoors(running: AcmeTest): Door[] {
  const operations = [
    ['GET', 'cacerts'],
    ['GET', 'csrattrs'],
    ['POST', 'simpleenroll'],
    ['POST', 'simplereenroll'],
    ['POST', 'serverkeygen'],
  ] as const;
  return operations.map(([method, operation]) => ({
    group: 'EST',
    name: `${method} /.well-known/est/${operation}`,
    ask: async (credential) => {
      const path = `/.well-known/est/${operation}`;
      const headers = credential.secret === undefined ? {} : basic(await credential.secret());
      const target = targetOf(running, credential);
      if (method === 'GET') return asked(target, method, path, undefined, headers);
      const profile = credential.holder ?? credential.name.replace('our certificate: ', '');
      const again = operation === 'simplereenroll';
      const { body } = again
        ? await estRequest([{ type: 'CN', value: `of-${profile}` }], sansOf(profile))
        : await estRequest([]);
      return asked(target, method, path, body, { ...headers, 'content-type': 'application/pkcs10' });
    },
  }));
}

function acmeDoors(running: AcmeTest): Door[] {
  const origin = new URL(running.directory).origin;
  const paths = ['directory', 'new-nonce', 'new-account', 'new-order', 'revoke-cert', 'key-change'];
  const acme = paths.map((name): Door => {
    const method = name === 'directory' || name === 'new-nonce' ? 'GET' : 'POST';
    const path = `/acme/${name}`;
    return {
      group: 'ACME',
      name: `${method} ${path}`,
      ask: async (credential) => {
        const { identity, socket, sign } = credential;
        const target = socket ? running.local : { ...running.enroll, ...(identity && { identity }) };
        const headers = { ...(await bearer(credential)), 'content-type': 'application/jose+json' };
        const body = method === 'GET' ? undefined : JSON.stringify((await sign?.(`${origin}${path}`)) ?? order);
        const told = await asked(target, method, path, body, headers);
        // Their content is none: an account that was let in hears that, everybody else hears of the signature.
        const contentless = name === 'revoke-cert' || name === 'key-change';
        return contentless && told === 'malformed' && credential.name === 'ACME account key' ? 'yes' : told;
      },
    };
  });
  return [
    ...acme,
    {
      group: 'ACME',
      name: 'the API and EST on the listener of ACME',
      ask: async (credential) => {
        const { identity, socket } = credential;
        const target = socket ? running.local : { ...running.enroll, ...(identity && { identity }) };
        if (socket) return 'not_found';
        const headers = await bearer(credential);
        const told = new Set<string>();
        for (const { method, path } of Object.values<Route>(routes))
          told.add(await asked(target, method, path, method === 'POST' ? {} : undefined, headers));
        told.add(await asked(target, 'GET', '/.well-known/est/cacerts', undefined, headers));
        return [...told].join(', ');
      },
    },
    {
      group: 'ACME',
      name: 'ACME on the listener of the API',
      ask: async (credential) =>
        asked(targetOf(running, credential), 'GET', '/acme/directory', undefined, await bearer(credential)),
    },
  ];
}

function plainDoors(running: AcmeTest): Door[] {
  const base = `http://${running.authority.listen.http}`;
  // The responder answers what is no request, too: in its own form.
  const ocsp = { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: 'x' };
  const requests = [
    ['/crl/root.crl', { method: 'GET' }],
    ['/ca/root.crt', { method: 'GET' }],
    ['/ocsp', ocsp],
  ] as const;
  return requests.map(([path, request]) => ({
    group: 'plain HTTP',
    name: `${request.method} ${path}`,
    ask: async (credential) => {
      if (credential.socket) return asked(running.local, request.method, path);
      const headers = { ...('headers' in request ? request.headers : {}), ...(await bearer(credential)) };
      const answer = await fetch(`${base}${path}`, { ...request, headers });
      await answer.arrayBuffer();
      return answer.ok ? 'yes' : String(answer.status);
    },
  }));
}

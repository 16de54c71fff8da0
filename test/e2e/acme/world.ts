// A running product with ACME, a name server that it asks, and ports on which clients answer its challenges.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  deadPort,
  runCommand,
  serveDns,
  serveHttp,
  startProduct,
  temporaryFolder,
  type CommandResult,
  type Product,
  type TestDnsServer,
  type TestHttpServer,
} from '@countersign/testkit';

export interface AcmeWorld extends AsyncDisposable {
  readonly product: Product;
  readonly directory: string;
  /** PEM file of the root, and its content. */
  readonly rootFile: string;
  readonly root: string;
  readonly dns: TestDnsServer;
  /** Where http-01 is looked at, and tls-alpn-01. */
  readonly httpPort: number;
  readonly httpsPort: number;
  /** What a client's hook tells the name server: `GET /NAME/TEXT`. */
  readonly control: TestHttpServer;
  readonly folder: string;
}

/** Starts one; names of `hosts` lead to the loopback, `lines` are further ones of the configuration. */
export async function acmeWorld(hosts: readonly string[], lines: readonly string[] = []): Promise<AcmeWorld> {
  const folder = temporaryFolder('countersign-acme-');
  const dns = await serveDns();
  for (const host of hosts) dns.set(host, { addresses: ['127.0.0.1'] });
  const control = await serveHttp((request, response) => {
    const [, name = '', text = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
    dns.set(name.replace(/\.$/u, ''), { texts: [text] });
    response.end();
  });
  const httpPort = await deadPort();
  const httpsPort = await deadPort();
  const config = folder.in('config.yaml');
  const ports = `{ http: ${httpPort}, https: ${httpsPort} }`;
  const validation = `{ allow: [127.0.0.0/8], resolver: ["${dns.address}"], ports: ${ports} }`;
  writeFileSync(config, `workers: 1\nacme:\n  validation: ${validation}\n${lines.join('\n')}\n`);
  const product = await startProduct({ args: ['--config', config] });
  const rootFile = join(product.data, 'ca/root.crt');
  return {
    product,
    directory: `https://localhost:${product.port('enroll')}/acme/directory`,
    rootFile,
    root: readFileSync(rootFile, 'utf8'),
    dns,
    httpPort,
    httpsPort,
    control,
    folder: folder.path,
    [Symbol.asyncDispose]: async () => {
      await product[Symbol.asyncDispose]();
      await control[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Runs a client; what it printed is the message when it fails. */
export async function succeed(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<CommandResult> {
  const env = { ...process.env, ...options.env };
  const result = await runCommand(program, args, { ...options, env, timeoutMs: 120_000 });
  assert.equal(result.code, 0, `${program} ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  return result;
}

/** The certificates of a name, oldest first: `STATUS` or `STATUS REASON`. */
export async function statuses({ product }: AcmeWorld, name: string): Promise<readonly string[]> {
  const records = await product.json('list', '--name', name);
  return records.map(({ status, reason }) => [status, reason].filter((word) => typeof word === 'string').join(' '));
}

/** That OpenSSL takes a chain for a host. */
export async function verified(world: AcmeWorld, chainFile: string, host: string): Promise<void> {
  const args = ['verify', '-CAfile', world.rootFile, '-untrusted', chainFile, '-verify_hostname', host, chainFile];
  await succeed('openssl', args);
}

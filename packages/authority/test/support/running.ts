import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { join } from 'node:path';
import { startAuthority } from '../../src/index.ts';
import type { AuthorityOptions, RunningAuthority } from '../../src/index.ts';
import { call, local, remote } from './client.ts';
import type { Answer, ClientIdentity, Target } from './client.ts';
import { authorityFolder, passphrase } from './folder.ts';
import { newRequest } from './keys.ts';

/** What was issued, with its key. */
export type Issued = ClientIdentity & { readonly serial: string };

/** An authority that runs on a folder of its own. */
export interface RunningTest extends AsyncDisposable {
  readonly data: string;
  /** PEM of the root. */
  readonly ca: string;
  readonly authority: RunningAuthority;
  readonly local: Target;
  remote(identity?: ClientIdentity): Target;
  /** Asks over the local socket. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>;
  issued(name: string, profile: string, extra?: object): Promise<Issued>;
}

/** Starts one; every port is free, the log is silent. */
export async function runningTest(options: Partial<AuthorityOptions> = {}): Promise<RunningTest> {
  const folder = await authorityFolder();
  const authority = await startAuthority({
    dataDir: folder.data,
    passphrase,
    listen: '127.0.0.1:0',
    http: '127.0.0.1:0',
    logLevel: 'silent',
    ...options,
  });
  const ca = readFileSync(join(folder.data, 'ca/root.crt'), 'utf8');
  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    call(local(authority), method, path, body);
  return {
    data: folder.data,
    ca,
    authority,
    local: local(authority),
    remote: (identity) => remote(authority, ca, identity),
    ask,
    issued: async (name, profile, extra = {}) => {
      const { csr, keyPem } = await newRequest();
      const answer = await ask('POST', '/v1/certificates', { name, profile, csr, ...extra });
      if (answer.status !== 200) throw new Error(answer.text);
      return { key: keyPem, cert: answer.body.certificate, serial: answer.body.serial };
    },
    [Symbol.asyncDispose]: async () => {
      await authority.close();
      folder[Symbol.dispose]();
    },
  };
}

let shared: Promise<RunningTest> | undefined;

/** The one that tests share which leave no trace for each other: starting costs a slow derivation for each key. */
export function sharedTest(): Promise<RunningTest> {
  shared ??= runningTest();
  return shared;
}

after(async () => {
  const running = await shared;
  await running?.[Symbol.asyncDispose]();
});

import { writeFileSync } from 'node:fs';
import { temporaryFolder } from '@countersign/testkit';
import type { TemporaryFolder } from '@countersign/testkit';
import { runningTest } from './running.ts';
import type { RunningTest } from './running.ts';

/** The files of something that was issued. */
export interface IssuedFiles {
  readonly serial: string;
  /** The leaf alone. */
  readonly cert: string;
  /** The leaf and its issuer. */
  readonly chain: string;
  readonly key: string;
  /** Chain and key in one file, as HAProxy takes them. */
  readonly bundle: string;
}

/** An authority, and files for programs of others. */
export interface InteropTest extends AsyncDisposable {
  readonly running: RunningTest;
  readonly folder: TemporaryFolder;
  /** The responder's URL. */
  readonly ocsp: string;
  readonly root: string;
  readonly issuer: string;
  /** The issuing CA and the root. */
  readonly cas: string;
  issued(name: string, profile?: string): Promise<IssuedFiles>;
  revoke(serial: string): Promise<void>;
}

export async function interopTest(): Promise<InteropTest> {
  const running = await runningTest();
  const folder = temporaryFolder('countersign-interop-');
  const write = (name: string, content: string): string => {
    const path = folder.in(name);
    writeFileSync(path, content);
    return path;
  };
  const issued = async (name: string, profile = 'client'): Promise<IssuedFiles> => {
    const { cert, key, serial } = await running.issued(name, profile);
    const [leaf = ''] = cert.split(/(?=-----BEGIN)/u);
    return {
      serial,
      cert: write(`${name}.crt`, leaf),
      chain: write(`${name}.chain.crt`, cert),
      key: write(`${name}.key`, key),
      bundle: write(`${name}.pem`, cert + key),
    };
  };
  const { cert } = await running.issued('first', 'client');
  const [, issuer = ''] = cert.split(/(?=-----BEGIN)/u);
  return {
    running,
    folder,
    ocsp: `http://${running.authority.listen.http}/ocsp`,
    root: write('root.crt', running.ca),
    issuer: write('issuing.crt', issuer),
    cas: write('cas.crt', issuer + running.ca),
    issued,
    revoke: async (serial) => {
      const { status, text } = await running.ask('POST', '/v1/revocations', { serial, reason: 'keyCompromise' });
      if (status !== 200) throw new Error(text);
    },
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

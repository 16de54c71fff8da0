import { writeFileSync } from 'node:fs';
import { parseCertificate, pemDecodeOne, pemEncode } from '@countersign/pki';
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
  /** The CRL that it names: `issuing-1/7`. */
  readonly crl: string;
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
  /** `file` is what its files are called; the name where nothing is said. */
  issued(name: string, profile?: string, file?: string): Promise<IssuedFiles>;
  /** Writes CRLs as they are published now into one PEM file. */
  crls(file: string, ...names: readonly string[]): Promise<string>;
  revoke(serial: string, reason?: string): Promise<void>;
  release(serial: string): Promise<void>;
}

export async function interopTest(): Promise<InteropTest> {
  const running = await runningTest();
  const folder = temporaryFolder('countersign-interop-');
  const write = (name: string, content: string): string => {
    const path = folder.in(name);
    writeFileSync(path, content);
    return path;
  };
  const issued = async (name: string, profile = 'client', file = name): Promise<IssuedFiles> => {
    const { cert, key, serial } = await running.issued(name, profile);
    const [leaf = ''] = cert.split(/(?=-----BEGIN)/u);
    return {
      serial,
      crl: crlNamedBy(leaf),
      cert: write(`${file}.crt`, leaf),
      chain: write(`${file}.chain.crt`, cert),
      key: write(`${file}.key`, key),
      bundle: write(`${file}.pem`, cert + key),
    };
  };
  const done = async (path: string, body: object): Promise<void> => {
    const { status, text } = await running.ask('POST', path, body);
    if (status !== 200) throw new Error(text);
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
    crls: async (file, ...names) => {
      const ders = names.map(async (name) =>
        (await fetch(`http://${running.authority.listen.http}/crl/${name}.crl`)).bytes(),
      );
      return write(`${file}.crl`, (await Promise.all(ders)).map((der) => pemEncode('X509 CRL', der)).join(''));
    },
    revoke: (serial, reason = 'keyCompromise') => done('/v1/revocations', { serial, reason }),
    release: (serial) => done('/v1/releases', { serial }),
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

function crlNamedBy(pem: string): string {
  const [point] = parseCertificate(pemDecodeOne(pem, 'CERTIFICATE')).crlDistributionPoints ?? [];
  const [name] = point?.name?.fullName ?? [];
  const path = name?.type === 'uri' ? /\/crl\/(?<path>.+)\.crl$/u.exec(name.value)?.groups?.['path'] : undefined;
  if (path === undefined) throw new Error('the certificate names no CRL');
  return path;
}

// NAME.crt, NAME.key and ca.crt: written whole or not at all, and never over something that is there.
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '@countersign/trust/make-folder';
import { CliFailure } from '../failure.ts';

/** Where an identity's files go. */
export interface IdentityFiles {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** DER: the certificate, it and its intermediates as PKCS#7, the key, the root. */
  readonly certDer: string;
  readonly chainDer: string;
  readonly keyDer: string;
  readonly caDer: string;
  readonly p12: string;
  readonly p12Password: string;
  /** The manifest of a Kubernetes secret. */
  readonly secret: string;
  /** The authority that certified it: where `renew` goes. */
  readonly url: string;
}

/** The files of `name` in `folder`. */
export function identityFiles(folder: string, name: string): IdentityFiles {
  return {
    folder,
    cert: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
    ca: join(folder, 'ca.crt'),
    certDer: join(folder, `${name}.cer`),
    chainDer: join(folder, `${name}.p7b`),
    keyDer: join(folder, `${name}.key.der`),
    caDer: join(folder, 'ca.cer'),
    p12: join(folder, `${name}.p12`),
    p12Password: join(folder, `${name}.p12.pass`),
    secret: join(folder, `${name}.secret.yaml`),
    url: join(folder, `${name}.url`),
  };
}

/**
 * Looks, before anything is asked for, whether the files may be written.
 *
 * @throws CliFailure `file_exists` for the first that is there.
 */
export function refuseOverwrite(paths: readonly string[], force: boolean): void {
  const there = force ? undefined : paths.find((path) => existsSync(path));
  if (there === undefined) return;
  throw new CliFailure({
    code: 'file_exists',
    message: `${there} is there already`,
    mend: 'choose another folder with --out, or overwrite it with --force',
  });
}

/** Whether a file may be replaced. `same` lets a file with exactly this content stay. */
export type Overwrite = 'never' | 'same' | 'always';

/**
 * Writes a file beside its place, syncs it, and puts it there in one step, so that no reader sees half of it and a full
 * disk leaves what was there.
 *
 * @param mode e.g. 0o600 for a key
 * @throws CliFailure `file_exists` when the file is there and may not be replaced.
 */
export function writeWhole(path: string, content: string | Uint8Array, mode: number, overwrite: Overwrite): void {
  makeFolder(dirname(path));
  if (overwrite === 'same' && existsSync(path) && readFileSync(path).equals(Buffer.from(content))) return;
  const beside = `${path}.${process.pid}.new`;
  const bytes = Buffer.from(content);
  try {
    const descriptor = openSync(beside, 'wx', mode);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (overwrite === 'always') renameSync(beside, path);
    else linkSync(beside, path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') refuseOverwrite([path], false);
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

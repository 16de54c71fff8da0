import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

import { SdkError } from '../errors.ts';
import { readMaterial } from './material.ts';
import type { IdentityPem, Material } from './material.ts';

/** Where an identity is kept. */
export interface IdentityFiles {
  /** PEM: the certificate, then its intermediates. */
  readonly cert: string;
  /** PEM: PKCS#8. */
  readonly key: string;
  /** PEM: the roots. */
  readonly ca: string;
}

/**
 * Loads an identity from its files. Where a crash has cut a replacement short, between the key and the certificate, it is
 * completed first.
 *
 * @throws SdkError `identity_…`, `key_…`
 * @example
 * const material = await loadIdentity({ cert: 'demo.crt', key: 'demo.key', ca: 'ca.crt' });
 */
export async function loadIdentity(files: IdentityFiles, options: { passphrase?: string } = {}): Promise<Material> {
  const [cert, key, ca] = await Promise.all([readText(files.cert), readText(files.key), readText(files.ca)]);
  try {
    return await readMaterial({ cert, key, ca }, options.passphrase);
  } catch (error) {
    const pending = await readPending(files, error);
    if (pending === undefined) throw error;
    const material = await readMaterial({ cert: pending, key, ca }, options.passphrase).catch(() => undefined);
    if (material === undefined) throw error;
    await rename(pendingPath(files.cert), files.cert);
    return material;
  }
}

/**
 * Puts an identity into its files, in place of one that may be there: a reader finds the old pair or the new one, never half a
 * file; the key is readable by its owner only. A crash leaves what {@link loadIdentity} can complete.
 *
 * @throws SdkError `identity_unwritable`
 */
export async function saveIdentity(files: IdentityFiles, pem: IdentityPem): Promise<void> {
  try {
    await writePending(files.ca, pem.ca, 0o644);
    await writePending(files.cert, pem.cert, 0o644);
    await writePending(files.key, pem.key, 0o600);
    await rename(pendingPath(files.ca), files.ca);
    // The key first: with it in place, the pending certificate can be recognised as its own.
    await rename(pendingPath(files.key), files.key);
    await rename(pendingPath(files.cert), files.cert);
    const folders = new Set([files.ca, files.key, files.cert].map((file) => dirname(file)));
    await Promise.all(Array.from(folders, syncFolder));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new SdkError('identity_unwritable', `the identity cannot be written: ${detail}`, { cause: error });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const detail = errno === 'ENOENT' ? `${path} does not exist` : `${path} cannot be read (${errno})`;
    throw new SdkError('identity_missing', detail, { cause: error });
  }
}

async function readPending(files: IdentityFiles, error: unknown): Promise<string | undefined> {
  if (!(error instanceof SdkError) || error.code !== 'identity_mismatch') return undefined;
  return readFile(pendingPath(files.cert), 'utf8').catch(() => undefined);
}

async function writePending(path: string, text: string, mode: number): Promise<void> {
  const file = await open(pendingPath(path), 'w', mode);
  try {
    // The mode above holds only for a file that is made now; what a crash has left keeps its own.
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function pendingPath(path: string): string {
  return `${path}.new`;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

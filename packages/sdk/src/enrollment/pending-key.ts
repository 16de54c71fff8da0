import type { KeyObject } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';

import { encryptPrivateKey } from '@countersign/trust';

import { SdkError } from '../errors.ts';
import { readKey } from '../identity/material.ts';

// The key of a request that waits for an administrator: whoever ends meanwhile goes on with it later. Readable by its owner only.

/** The key that was kept there, where there is one; `passphrase` is what it was kept under. */
export async function readPendingKey(path: string | undefined, passphrase?: string): Promise<KeyObject | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readKey(await readFile(path, 'utf8'), passphrase);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SdkError('identity_malformed', `${path} holds no private key that can be read`, { cause: error });
  }
}

/** Keeps a key there, under the passphrase where one is given. */
export async function writePendingKey(path: string | undefined, key: KeyObject, passphrase?: string): Promise<void> {
  if (path === undefined) return;
  try {
    const plain = (): string => key.export({ type: 'pkcs8', format: 'pem' });
    const text = passphrase === undefined ? plain() : await encryptPrivateKey(key, passphrase);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      // The mode above holds only for a file that is made now.
      await file.chmod(0o600);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new SdkError('identity_unwritable', `the key cannot be kept: ${detail}`, { cause: error });
  }
}

/** Forgets what was kept there. */
export async function removePendingKey(path: string | undefined): Promise<void> {
  if (path !== undefined) await rm(path, { force: true });
}

import type { KeyObject } from 'node:crypto';
import { PkiError } from '@countersign/pki';
import type { PassphraseKeys } from '@countersign/trust';
import { AuthorityError } from '../errors.ts';
import { readRequired, writeFileDurably } from './files.ts';

/** Writes a private key, encrypted, readable by its owner only. */
export async function writeKey(path: string, key: KeyObject, keys: PassphraseKeys): Promise<void> {
  await writeFileDurably(path, await keys.seal(key), 0o600);
}

/** Opens an encrypted key. Throws `wrong_passphrase`, or `key_unreadable` for what is no encrypted key. `path` is for the words only. */
export async function decryptKey(pem: Uint8Array, keys: PassphraseKeys, path: string): Promise<KeyObject> {
  try {
    const opened = await keys.open(Buffer.from(pem).toString('latin1'));
    if (!opened.ok) throw new AuthorityError('wrong_passphrase', path);
    return opened.key;
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    throw new AuthorityError('key_unreadable', `${path} (${error.code})`, { cause: error });
  }
}

/** Reads and opens an encrypted key. Throws what `decryptKey` throws, and `folder_broken` where there is none. */
export async function readKey(path: string, keys: PassphraseKeys): Promise<KeyObject> {
  return decryptKey(await readRequired(path), keys, path);
}

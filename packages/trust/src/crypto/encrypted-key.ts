import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decryptPkcs8, encryptPkcs8, pemDecodeOne, pemEncode } from '@countersign/pki';
import type { KeyProtection, PasswordCrypto } from '@countersign/pki';
import { nodePasswordCrypto } from './password-port.ts';

/** The PEM label of PKCS#8 under a passphrase (RFC 7468, section 11). */
export const encryptedKeyLabel = 'ENCRYPTED PRIVATE KEY';

/** A key, or why it did not open. */
export type DecryptedKey =
  | { readonly ok: true; readonly key: KeyObject }
  | { readonly ok: false; readonly code: 'private_key_passphrase' };

/**
 * A private key as PEM under a passphrase: our own PKCS#8 encryption, not node:crypto's (which derives with 2,048 iterations).
 *
 * @param protection scrypt by default; `{ kdf: 'pbkdf2' }` where OpenSSL has to read the file
 *
 * @example
 * await writeFile('root.key', await encryptPrivateKey(privateKey, passphrase), { mode: 0o600 });
 */
export async function encryptPrivateKey(
  key: KeyObject,
  passphrase: string,
  protection?: KeyProtection,
  crypto: PasswordCrypto = nodePasswordCrypto,
): Promise<string> {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return pemEncode(encryptedKeyLabel, await encryptPkcs8(der, passphrase, crypto, protection));
}

/**
 * Opens what {@link encryptPrivateKey} or OpenSSL wrote.
 *
 * @returns the key, or `private_key_passphrase`: the passphrase does not open it
 * @throws PkiError for what is no encrypted PKCS#8 key in PEM, or costs too much
 *
 * @example
 * const opened = await decryptPrivateKey(pem, passphrase);
 */
export async function decryptPrivateKey(
  pem: string,
  passphrase: string,
  crypto: PasswordCrypto = nodePasswordCrypto,
): Promise<DecryptedKey> {
  const opened = await decryptPkcs8(pemDecodeOne(pem, encryptedKeyLabel), passphrase, crypto);
  if (!opened.ok) return opened;
  return { ok: true, key: createPrivateKey({ key: Buffer.from(opened.key.der), format: 'der', type: 'pkcs8' }) };
}

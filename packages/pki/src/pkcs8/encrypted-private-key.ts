import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { octetString, sequence } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import { decryptWithPassword, encryptWithPassword, passwordEncryptionAlgorithm } from '../pkcs5/encryption.ts';
import { readPasswordEncryption } from '../pkcs5/encryption.ts';
import type { PasswordEncryption } from '../pkcs5/encryption.ts';
import { checkScryptCost, derivationLimits } from '../pkcs5/kdf.ts';
import type { KeyDerivation } from '../pkcs5/kdf.ts';
import type { PasswordCrypto, ScryptCost } from '../pkcs5/port.ts';
import { readAlgorithm } from '../x509/algorithm.ts';
import { parsePrivateKey } from './private-key-info.ts';
import type { PrivateKeyInfo } from './private-key-info.ts';

/**
 * How the key for the encryption is derived. The floors are ours: less costs an attacker too little. A `salt` (16 to
 * 1,024 random octets) is given where several files under one passphrase are to cost one derivation; without it each file has its own.
 */
export type KeyProtection =
  | { readonly kdf: 'scrypt'; readonly cost?: ScryptCost; readonly salt?: Uint8Array }
  | { readonly kdf: 'pbkdf2'; readonly iterations?: number };

export type OpenedPrivateKey =
  | { readonly ok: true; readonly key: PrivateKeyInfo }
  | { readonly ok: false; readonly code: 'private_key_passphrase' };

const maxBytes = 64 << 10;
const defaultCost: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };
const defaultIterations = 600_000;
const saltBytes = 16;

/**
 * Encrypts a PKCS#8 private key with a passphrase: PBES2 with AES-256-CBC, its key from scrypt (N = 2^17, r = 8, p = 1) or from
 * PBKDF2 with HMAC-SHA-256 and at least 600,000 iterations (RFC 8018, RFC 7914). Where the port has no scrypt, as in a browser,
 * PBKDF2 is the default. OpenSSL and Node read the PBKDF2 form; they stop at 32 MiB of scrypt and so do not read the other.
 *
 * @param der an unencrypted PrivateKeyInfo; it is read before it is encrypted
 * @throws PkiError `private_key_weak_encryption` below the floors, `argument` for an empty passphrase, or what `parsePrivateKey` throws
 *
 * @example
 * const der = await encryptPkcs8(keyDer, passphrase, nodePasswordCrypto);
 * const pem = pemEncode('ENCRYPTED PRIVATE KEY', der);
 */
export async function encryptPkcs8(
  der: Uint8Array,
  passphrase: string,
  crypto: PasswordCrypto,
  protection: KeyProtection = { kdf: crypto.scrypt === undefined ? 'pbkdf2' : 'scrypt' },
): Promise<Uint8Array> {
  if (passphrase === '') throw new PkiError('argument', 'an empty passphrase');
  const key = parsePrivateKey(der);
  const kdf = protection.kdf === 'scrypt' ? scryptOf(protection, crypto) : pbkdf2Of(protection, crypto);
  const scheme: PasswordEncryption = { type: 'pbes2', kdf, cipher: 'aes-256-cbc', iv: crypto.randomBytes(16) };
  const ciphertext = await encryptWithPassword(scheme, passphrase, key.der, crypto);
  return sequence(passwordEncryptionAlgorithm(scheme).der, octetString(ciphertext));
}

function scryptOf(
  { cost = defaultCost, salt: given }: { cost?: ScryptCost; salt?: Uint8Array },
  crypto: PasswordCrypto,
): KeyDerivation {
  const salt = given ?? crypto.randomBytes(saltBytes);
  checkScryptCost(cost);
  if (cost.N < defaultCost.N || cost.r < defaultCost.r) {
    throw new PkiError('private_key_weak_encryption', `scrypt N=${cost.N} r=${cost.r}`);
  }
  if (salt.length < saltBytes || salt.length > derivationLimits.saltBytes) {
    throw new PkiError('private_key_weak_encryption', `${salt.length} octets of salt`);
  }
  return { type: 'scrypt', salt, cost, keyLengthBytes: undefined };
}

function pbkdf2Of({ iterations = defaultIterations }: { iterations?: number }, crypto: PasswordCrypto): KeyDerivation {
  if (!(iterations >= defaultIterations && iterations <= derivationLimits.iterations)) {
    throw new PkiError('private_key_weak_encryption', `${iterations} iterations`);
  }
  return {
    type: 'pbkdf2',
    digest: 'sha256',
    salt: crypto.randomBytes(saltBytes),
    iterations,
    keyLengthBytes: undefined,
  };
}

/**
 * Decrypts an EncryptedPrivateKeyInfo (RFC 5958, section 3): ours, and what OpenSSL, Java and others write (PBES2 with PBKDF2 or scrypt and
 * AES or triple DES in CBC mode; the PKCS#12 schemes). What it may cost is bounded before anything is derived.
 *
 * @returns the key, or `private_key_passphrase`: the passphrase does not open it
 * @throws PkiError `password_algorithm_unsupported`, `password_cost`, `private_key_malformed` or a `der_…` code
 *
 * @example
 * const opened = await decryptPkcs8(der, passphrase, nodePasswordCrypto);
 * if (!opened.ok) return refuse(opened.code);
 */
export async function decryptPkcs8(
  der: Uint8Array,
  passphrase: string,
  crypto: PasswordCrypto,
): Promise<OpenedPrivateKey> {
  const { scheme, ciphertext } = readEncryptedPrivateKey(der);
  const plaintext = await decryptWithPassword(scheme, passphrase, ciphertext, crypto);
  if (plaintext === undefined) return { ok: false, code: 'private_key_passphrase' };
  try {
    return { ok: true, key: parsePrivateKey(plaintext) };
  } catch (error) {
    // One wrong passphrase in 256 leaves padding that looks right and octets that are no key.
    if (error instanceof PkiError) return { ok: false, code: 'private_key_passphrase' };
    throw error;
  }
}

/**
 * How an encrypted private key is encrypted, without a passphrase: for `inspect`, and to judge its strength.
 *
 * @throws PkiError `password_algorithm_unsupported`, `password_cost` or a `der_…` code
 */
export function readEncryptedPrivateKey(der: Uint8Array): { scheme: PasswordEncryption; ciphertext: Uint8Array } {
  const reader = new DerReader(der, { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const scheme = readPasswordEncryption(readAlgorithm(reader));
  reader.octetString();
  const ciphertext = reader.content();
  reader.leave(outer);
  reader.finish();
  return { scheme, ciphertext };
}

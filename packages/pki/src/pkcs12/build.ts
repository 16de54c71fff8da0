import { encodeUtf8 } from '../der/strings.ts';
import { contextPrimitive, TAG } from '../der/tags.ts';
import { element, explicit, integer, octetString, oid, sequence, setOf } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import { encryptWithPassword, passwordEncryptionAlgorithm } from '../pkcs5/encryption.ts';
import type { PasswordEncryption } from '../pkcs5/encryption.ts';
import { derivationLimits } from '../pkcs5/kdf.ts';
import type { KeyDerivation } from '../pkcs5/kdf.ts';
import { encodeBmpPassword } from '../pkcs5/pkcs12-derivation.ts';
import type { PasswordCrypto } from '../pkcs5/port.ts';
import { parsePrivateKey } from '../pkcs8/private-key-info.ts';
import { computeMac, macData } from './mac.ts';
import type { Pkcs12Mac } from './mac.ts';
import { PKCS12_OID } from './oids.ts';

/**
 * - `modern`: AES-256-CBC with PBKDF2-HMAC-SHA-256, MAC HMAC-SHA-256. OpenSSL 1.1.1, Java 8u301, Windows 10 1709, NSS and later read it.
 * - `pbmac1`: the same with a MAC whose key comes from PBKDF2 too (RFC 9579). OpenSSL 3.4, Java 24, NSS 3.102 and later.
 * - `legacy`: triple DES with SHA-1, for older Windows, macOS and Java. It protects little: give it a random password.
 */
export type Pkcs12Format = 'modern' | 'pbmac1' | 'legacy';

export interface Pkcs12Contents {
  /** Unencrypted PKCS#8. */
  readonly key: Uint8Array;
  /** DER, the key's own certificate first. */
  readonly certificates: readonly Uint8Array[];
  /** What stores and browsers show. */
  readonly friendlyName?: string;
}

export interface BuildPkcs12Options {
  readonly format?: Pkcs12Format;
  /** Of each derivation, the MAC's included. */
  readonly iterations?: number;
}

/** .NET 9 reads at most 300,000 of one derivation and 1,000,000 of a file, which has three. */
const defaultIterations = { modern: 250_000, pbmac1: 250_000, legacy: 50_000 } as const;
const minIterations = 2_000;

/**
 * Writes a PKCS#12 file (RFC 7292) with a key and its certificates. The certificates and the key are encrypted, and a MAC over all of it is
 * made, with the one password.
 *
 * @throws PkiError `argument` for an empty password, no certificate or a number of iterations outside 2,000 to 2,000,000;
 *   `password_algorithm_unsupported` when the port lacks what the format needs; or what `parsePrivateKey` throws
 *
 * @example
 * const file = await buildPkcs12({ key, certificates: [leaf, issuing], friendlyName: 'demo' }, password, nodePasswordCrypto);
 */
export async function buildPkcs12(
  contents: Pkcs12Contents,
  password: string,
  crypto: PasswordCrypto,
  options: BuildPkcs12Options = {},
): Promise<Uint8Array> {
  const format = options.format ?? 'modern';
  const iterations = options.iterations ?? defaultIterations[format];
  if (!(iterations >= minIterations && iterations <= derivationLimits.pkcs12Iterations)) {
    throw new PkiError('argument', `${iterations} iterations`);
  }
  const [leaf] = contents.certificates;
  if (password === '') throw new PkiError('argument', 'an empty password');
  if (leaf === undefined) throw new PkiError('argument', 'no certificate');
  const key = parsePrivateKey(contents.key);
  const localKeyId = await crypto.digest('sha1', leaf);

  const certBags = contents.certificates.map((der, i) =>
    safeBag(PKCS12_OID.certBag, certBag(der), i === 0 ? bagAttributes(localKeyId, contents.friendlyName) : undefined),
  );
  const keyScheme = newScheme(format, iterations, crypto);
  const shrouded = sequence(
    passwordEncryptionAlgorithm(keyScheme).der,
    octetString(await encryptWithPassword(keyScheme, password, key.der, crypto)),
  );
  const keyBag = safeBag(PKCS12_OID.shroudedKeyBag, shrouded, bagAttributes(localKeyId, contents.friendlyName));

  const authSafe = sequence(
    await encryptedData(sequence(...certBags), newScheme(format, iterations, crypto), password, crypto),
    data(sequence(keyBag)),
  );
  const mac = newMac(format, iterations, crypto);
  const value = await computeMac(mac, password, authSafe, crypto);
  return sequence(integer(3), data(authSafe), macData(mac, value));
}

function newPbkdf2(iterations: number, keyLengthBytes: number | undefined, crypto: PasswordCrypto): KeyDerivation {
  return { type: 'pbkdf2', digest: 'sha256', salt: crypto.randomBytes(16), iterations, keyLengthBytes };
}

function newScheme(format: Pkcs12Format, iterations: number, crypto: PasswordCrypto): PasswordEncryption {
  if (format === 'legacy') return { type: 'pkcs12', cipher: 'des-ede3', salt: crypto.randomBytes(16), iterations };
  const kdf = newPbkdf2(iterations, undefined, crypto);
  return { type: 'pbes2', kdf, cipher: 'aes-256-cbc', iv: crypto.randomBytes(16) };
}

function newMac(format: Pkcs12Format, iterations: number, crypto: PasswordCrypto): Pkcs12Mac {
  if (format === 'pbmac1') return { type: 'pbmac1', kdf: newPbkdf2(iterations, 32, crypto), digest: 'sha256' };
  const digest = format === 'legacy' ? 'sha1' : 'sha256';
  return { type: 'pkcs12', digest, salt: crypto.randomBytes(digest === 'sha1' ? 20 : 32), iterations };
}

/** ContentInfo of data (RFC 5652, section 4). */
function data(content: Uint8Array): Uint8Array {
  return sequence(oid(PKCS12_OID.data), explicit(0, octetString(content)));
}

/** ContentInfo of EncryptedData (RFC 5652, section 8). */
async function encryptedData(
  content: Uint8Array,
  scheme: PasswordEncryption,
  password: string,
  crypto: PasswordCrypto,
): Promise<Uint8Array> {
  const ciphertext = await encryptWithPassword(scheme, password, content, crypto);
  const info = sequence(
    oid(PKCS12_OID.data),
    passwordEncryptionAlgorithm(scheme).der,
    element(contextPrimitive(0), ciphertext),
  );
  return sequence(oid(PKCS12_OID.encryptedData), explicit(0, sequence(integer(0), info)));
}

function certBag(certificate: Uint8Array): Uint8Array {
  return sequence(oid(PKCS12_OID.x509Certificate), explicit(0, octetString(certificate)));
}

function safeBag(type: string, value: Uint8Array, attributes: Uint8Array | undefined): Uint8Array {
  return sequence(oid(type), explicit(0, value), attributes);
}

function bagAttributes(localKeyId: Uint8Array, friendlyName: string | undefined): Uint8Array {
  const attributes = [sequence(oid(PKCS12_OID.localKeyId), setOf([octetString(localKeyId)]))];
  if (friendlyName !== undefined) {
    attributes.push(sequence(oid(PKCS12_OID.friendlyName), setOf([bmpString(friendlyName)])));
  }
  return setOf(attributes);
}

/** @throws PkiError `argument` for what UTF-8 could not say either */
function bmpString(text: string): Uint8Array {
  encodeUtf8(text);
  return element(TAG.BMP_STRING, encodeBmpPassword(text).subarray(0, -2));
}

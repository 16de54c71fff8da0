import { DerReader } from '../der/reader.ts';
import { encodeUtf8 } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { integer, octetString, sequence } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import { algorithmIdentifier, readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { deriveKey, derivationLimits, keyDerivationAlgorithm, readKeyDerivation } from './kdf.ts';
import type { KeyDerivation } from './kdf.ts';
import { PKCS5_OID } from './oids.ts';
import { derivationPurpose, derivePkcs12, encodeBmpPassword } from './pkcs12-derivation.ts';
import { cipherSizes } from './port.ts';
import type { BlockCipher, PasswordCrypto } from './port.ts';
import { decryptRc2Cbc } from './rc2.ts';

/** PBES2 (RFC 8018, section 6.2). */
export interface Pbes2 {
  readonly type: 'pbes2';
  readonly kdf: KeyDerivation;
  readonly cipher: BlockCipher;
  readonly iv: Uint8Array;
}

/** The schemes of PKCS#12 itself (RFC 7292, appendix C); the RC2 ones are read, never written. */
export interface Pkcs12Pbe {
  readonly type: 'pkcs12';
  readonly cipher: 'des-ede3' | 'des-ede2' | 'rc2-128' | 'rc2-40';
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export type PasswordEncryption = Pbes2 | Pkcs12Pbe;

/** `undefined` is no password at all, which PKCS#12 tells from an empty one. */
export type Password = string | undefined;

const cipherOfOid: Readonly<Record<string, BlockCipher>> = {
  [PKCS5_OID.aes128Cbc]: 'aes-128-cbc',
  [PKCS5_OID.aes192Cbc]: 'aes-192-cbc',
  [PKCS5_OID.aes256Cbc]: 'aes-256-cbc',
  [PKCS5_OID.desEde3Cbc]: 'des-ede3-cbc',
};

const oidOfCipher: Readonly<Record<BlockCipher, string>> = {
  'aes-128-cbc': PKCS5_OID.aes128Cbc,
  'aes-192-cbc': PKCS5_OID.aes192Cbc,
  'aes-256-cbc': PKCS5_OID.aes256Cbc,
  'des-ede3-cbc': PKCS5_OID.desEde3Cbc,
};

const pkcs12CipherOfOid: Readonly<Record<string, Pkcs12Pbe['cipher']>> = {
  [PKCS5_OID.pbeSha1TripleDes]: 'des-ede3',
  [PKCS5_OID.pbeSha1TwoKeyTripleDes]: 'des-ede2',
  [PKCS5_OID.pbeSha1Rc2Bits128]: 'rc2-128',
  [PKCS5_OID.pbeSha1Rc2Bits40]: 'rc2-40',
};

const pkcs12KeyBytes: Readonly<Record<Pkcs12Pbe['cipher'], number>> = {
  'des-ede3': 24,
  'des-ede2': 16,
  'rc2-128': 16,
  'rc2-40': 5,
};

/**
 * The scheme that an encryptionAlgorithm names, its cost within {@link derivationLimits}.
 *
 * @throws PkiError `password_algorithm_unsupported`, `password_cost`, `algorithm_malformed` or a `der_…` code
 */
export function readPasswordEncryption(algorithm: AlgorithmIdentifier): PasswordEncryption {
  const reader = new DerReader(algorithm.parameters ?? new Uint8Array());
  const pkcs12Cipher = pkcs12CipherOfOid[algorithm.oid];
  if (pkcs12Cipher === undefined && algorithm.oid !== PKCS5_OID.pbes2) {
    throw new PkiError('password_algorithm_unsupported', `encryption ${algorithm.oid}`);
  }
  const outer = reader.enter(TAG.SEQUENCE);
  const scheme = pkcs12Cipher === undefined ? readPbes2(reader) : readPkcs12Pbe(reader, pkcs12Cipher);
  reader.leave(outer);
  reader.finish();
  return scheme;
}

function readPbes2(reader: DerReader): Pbes2 {
  const kdf = readKeyDerivation(readAlgorithm(reader));
  const encryption = readAlgorithm(reader);
  const cipher = cipherOfOid[encryption.oid];
  if (cipher === undefined) throw new PkiError('password_algorithm_unsupported', `cipher ${encryption.oid}`);
  const parameters = new DerReader(encryption.parameters ?? new Uint8Array());
  parameters.octetString();
  const iv = parameters.content().slice();
  parameters.finish();
  if (iv.length !== cipherSizes[cipher].block) throw new PkiError('algorithm_malformed', 'length of the IV');
  return { type: 'pbes2', kdf, cipher, iv };
}

function readPkcs12Pbe(reader: DerReader, cipher: Pkcs12Pbe['cipher']): Pkcs12Pbe {
  reader.octetString();
  const salt = reader.content().slice();
  const iterations = reader.smallInteger();
  if (iterations < 1) throw new PkiError('der_integer_range', undefined, reader.from);
  if (iterations > derivationLimits.pkcs12Iterations || salt.length > derivationLimits.saltBytes) {
    throw new PkiError('password_cost', `${iterations} iterations, ${salt.length} octets of salt`);
  }
  return { type: 'pkcs12', cipher, salt, iterations };
}

/** The AlgorithmIdentifier of a scheme that we write. */
export function passwordEncryptionAlgorithm(scheme: PasswordEncryption): AlgorithmIdentifier {
  if (scheme.type === 'pbes2') {
    const encryption = algorithmIdentifier(oidOfCipher[scheme.cipher], octetString(scheme.iv));
    return algorithmIdentifier(PKCS5_OID.pbes2, sequence(keyDerivationAlgorithm(scheme.kdf).der, encryption.der));
  }
  if (scheme.cipher !== 'des-ede3') throw new PkiError('password_algorithm_unsupported', `writing ${scheme.cipher}`);
  return algorithmIdentifier(
    PKCS5_OID.pbeSha1TripleDes,
    sequence(octetString(scheme.salt), integer(scheme.iterations)),
  );
}

/** @throws PkiError `password_algorithm_unsupported` when the port lacks what the scheme needs */
export async function encryptWithPassword(
  scheme: PasswordEncryption,
  password: Password,
  plaintext: Uint8Array,
  crypto: PasswordCrypto,
): Promise<Uint8Array> {
  const { cipher, key, iv } = await deriveCipher(scheme, password, crypto);
  try {
    if (cipher === 'rc2-128' || cipher === 'rc2-40') {
      throw new PkiError('password_algorithm_unsupported', 'writing RC2');
    }
    return await crypto.encrypt(cipher, key, iv, plaintext);
  } finally {
    key.fill(0);
  }
}

/**
 * @returns `undefined` when the padding is wrong: in all likelihood the password is
 * @throws PkiError `password_algorithm_unsupported` when the port lacks what the scheme needs
 */
export async function decryptWithPassword(
  scheme: PasswordEncryption,
  password: Password,
  ciphertext: Uint8Array,
  crypto: PasswordCrypto,
): Promise<Uint8Array | undefined> {
  const { cipher, key, iv } = await deriveCipher(scheme, password, crypto);
  try {
    if (cipher === 'rc2-128') return decryptRc2Cbc(key, 128, iv, ciphertext);
    if (cipher === 'rc2-40') return decryptRc2Cbc(key, 40, iv, ciphertext);
    return await crypto.decrypt(cipher, key, iv, ciphertext);
  } finally {
    key.fill(0);
  }
}

interface DerivedCipher {
  readonly cipher: BlockCipher | 'rc2-128' | 'rc2-40';
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

async function deriveCipher(
  scheme: PasswordEncryption,
  password: Password,
  crypto: PasswordCrypto,
): Promise<DerivedCipher> {
  if (scheme.type === 'pbes2') {
    const { cipher, iv, kdf } = scheme;
    if (!crypto.supports(cipher)) throw new PkiError('password_algorithm_unsupported', cipher);
    const key = await deriveKey(kdf, encodeUtf8(password ?? ''), cipherSizes[cipher].key, crypto);
    return { cipher, key, iv };
  }
  const rc2 = scheme.cipher === 'rc2-128' || scheme.cipher === 'rc2-40';
  if (!rc2 && !crypto.supports('des-ede3-cbc')) throw new PkiError('password_algorithm_unsupported', 'des-ede3-cbc');
  if (!crypto.supports('sha1')) throw new PkiError('password_algorithm_unsupported', 'sha1');
  const octets = password === undefined ? new Uint8Array() : encodeBmpPassword(password);
  const { salt, iterations } = scheme;
  const keyBytes = pkcs12KeyBytes[scheme.cipher];
  const key = await derivePkcs12('sha1', derivationPurpose.key, octets, salt, iterations, keyBytes, crypto);
  const iv = await derivePkcs12('sha1', derivationPurpose.iv, octets, salt, iterations, 8, crypto);
  if (scheme.cipher === 'rc2-128' || scheme.cipher === 'rc2-40') return { cipher: scheme.cipher, key, iv };
  return { cipher: 'des-ede3-cbc', key: scheme.cipher === 'des-ede2' ? twoKeyTripleDes(key) : key, iv };
}

/** Two-key triple DES is triple DES whose third key is the first. */
function twoKeyTripleDes(key: Uint8Array): Uint8Array {
  const out = new Uint8Array(24);
  out.set(key);
  out.set(key.subarray(0, 8), 16);
  return out;
}

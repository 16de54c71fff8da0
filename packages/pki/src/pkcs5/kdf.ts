import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { integer, nullValue, octetString, sequence } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import { algorithmIdentifier, readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { PKCS5_OID } from './oids.ts';
import type { PasswordCrypto, PasswordDigest, ScryptCost } from './port.ts';

/** A key derivation with its parameters (RFC 8018, section 5.2; RFC 7914, section 7). */
export type KeyDerivation =
  | {
      readonly type: 'pbkdf2';
      readonly digest: PasswordDigest;
      readonly salt: Uint8Array;
      readonly iterations: number;
      readonly keyLengthBytes: number | undefined;
    }
  | {
      readonly type: 'scrypt';
      readonly salt: Uint8Array;
      readonly cost: ScryptCost;
      readonly keyLengthBytes: number | undefined;
    };

/** What a file may cost its reader, so that nobody can stop a process with one. */
export const derivationLimits = {
  /** Of PKCS#12's own derivation, which runs on the calling thread. */
  pkcs12Iterations: 2_000_000,
  /** Of PBKDF2. */
  iterations: 10_000_000,
  /** 128 * N * r: twice what N = 2^17, r = 8 takes. */
  scryptMemoryBytes: 256 << 20,
  /** N * r * p: eight times what our own form costs. */
  scryptWork: 2 ** 23,
  saltBytes: 1024,
} as const;

const digestOfPrf: Readonly<Record<string, PasswordDigest>> = {
  [PKCS5_OID.hmacSha1]: 'sha1',
  [PKCS5_OID.hmacSha224]: 'sha224',
  [PKCS5_OID.hmacSha256]: 'sha256',
  [PKCS5_OID.hmacSha384]: 'sha384',
  [PKCS5_OID.hmacSha512]: 'sha512',
};

const prfOfDigest: Readonly<Record<PasswordDigest, string>> = {
  sha1: PKCS5_OID.hmacSha1,
  sha224: PKCS5_OID.hmacSha224,
  sha256: PKCS5_OID.hmacSha256,
  sha384: PKCS5_OID.hmacSha384,
  sha512: PKCS5_OID.hmacSha512,
};

/**
 * The derivation of an AlgorithmIdentifier, within {@link derivationLimits}.
 *
 * @throws PkiError `password_algorithm_unsupported`, `password_cost` or a `der_…` code
 */
export function readKeyDerivation(algorithm: AlgorithmIdentifier): KeyDerivation {
  if (algorithm.oid === PKCS5_OID.pbkdf2) return readPbkdf2(algorithm);
  if (algorithm.oid === PKCS5_OID.scrypt) return readScrypt(algorithm);
  throw new PkiError('password_algorithm_unsupported', `key derivation ${algorithm.oid}`);
}

function readPbkdf2(algorithm: AlgorithmIdentifier): KeyDerivation {
  const reader = new DerReader(algorithm.parameters ?? new Uint8Array());
  const outer = reader.enter(TAG.SEQUENCE);
  const salt = readSalt(reader);
  const iterations = readCount(reader);
  if (iterations > derivationLimits.iterations) throw new PkiError('password_cost', `${iterations} iterations`);
  const keyLengthBytes = readKeyLength(reader);
  // Writers that spell the default out are common; nothing hangs on it.
  const digest = reader.done ? 'sha1' : readHmacDigest(readAlgorithm(reader));
  reader.leave(outer);
  reader.finish();
  return { type: 'pbkdf2', digest, salt, iterations, keyLengthBytes };
}

function readScrypt(algorithm: AlgorithmIdentifier): KeyDerivation {
  const reader = new DerReader(algorithm.parameters ?? new Uint8Array());
  const outer = reader.enter(TAG.SEQUENCE);
  const salt = readSalt(reader);
  const cost = { N: readCount(reader), r: readCount(reader), p: readCount(reader) };
  const keyLengthBytes = readKeyLength(reader);
  reader.leave(outer);
  reader.finish();
  checkScryptCost(cost);
  return { type: 'scrypt', salt, cost, keyLengthBytes };
}

/** @throws PkiError `password_cost` when N is no power of two above one or the whole is beyond {@link derivationLimits} */
export function checkScryptCost({ N, r, p }: ScryptCost): void {
  const powerOfTwo = N > 1 && Number.isSafeInteger(Math.log2(N));
  const tooMuch = 128 * N * r > derivationLimits.scryptMemoryBytes || N * r * p > derivationLimits.scryptWork;
  if (!powerOfTwo || r < 1 || p < 1 || tooMuch) throw new PkiError('password_cost', `scrypt N=${N} r=${r} p=${p}`);
}

function readSalt(reader: DerReader): Uint8Array {
  reader.octetString();
  const salt = reader.content();
  if (salt.length > derivationLimits.saltBytes) throw new PkiError('password_cost', `${salt.length} octets of salt`);
  return salt.slice();
}

function readCount(reader: DerReader): number {
  const count = reader.smallInteger();
  if (count < 1) throw new PkiError('der_integer_range', undefined, reader.from);
  return count;
}

function readKeyLength(reader: DerReader): number | undefined {
  return reader.peek() === TAG.INTEGER ? readCount(reader) : undefined;
}

/** @throws PkiError `password_algorithm_unsupported` */
export function readHmacDigest(algorithm: AlgorithmIdentifier): PasswordDigest {
  const digest = digestOfPrf[algorithm.oid];
  if (digest === undefined) throw new PkiError('password_algorithm_unsupported', `HMAC ${algorithm.oid}`);
  return digest;
}

/** The AlgorithmIdentifier of HMAC with this digest (RFC 8018, appendix B.1.2). */
export function hmacAlgorithm(digest: PasswordDigest): AlgorithmIdentifier {
  return algorithmIdentifier(prfOfDigest[digest], nullValue());
}

/** The AlgorithmIdentifier of a derivation. */
export function keyDerivationAlgorithm(kdf: KeyDerivation): AlgorithmIdentifier {
  const keyLength = kdf.keyLengthBytes === undefined ? undefined : integer(kdf.keyLengthBytes);
  if (kdf.type === 'pbkdf2') {
    const prf = kdf.digest === 'sha1' ? undefined : hmacAlgorithm(kdf.digest).der;
    const parameters = sequence(octetString(kdf.salt), integer(kdf.iterations), keyLength, prf);
    return algorithmIdentifier(PKCS5_OID.pbkdf2, parameters);
  }
  const { N, r, p } = kdf.cost;
  const parameters = sequence(octetString(kdf.salt), integer(N), integer(r), integer(p), keyLength);
  return algorithmIdentifier(PKCS5_OID.scrypt, parameters);
}

/**
 * Derives a key from the octets of a password.
 *
 * @throws PkiError `password_algorithm_unsupported` when the port lacks what is asked for
 */
export async function deriveKey(
  kdf: KeyDerivation,
  password: Uint8Array,
  lengthBytes: number,
  crypto: PasswordCrypto,
): Promise<Uint8Array> {
  if (kdf.keyLengthBytes !== undefined && kdf.keyLengthBytes !== lengthBytes) {
    throw new PkiError('algorithm_malformed', `a key of ${kdf.keyLengthBytes} octets, needed are ${lengthBytes}`);
  }
  if (kdf.type === 'scrypt') {
    if (crypto.scrypt === undefined) throw new PkiError('password_algorithm_unsupported', 'scrypt');
    return crypto.scrypt(password, kdf.salt, kdf.cost, lengthBytes);
  }
  if (!crypto.supports(kdf.digest)) throw new PkiError('password_algorithm_unsupported', kdf.digest);
  return crypto.pbkdf2(kdf.digest, password, kdf.salt, kdf.iterations, lengthBytes);
}

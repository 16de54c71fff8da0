import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { integer, nullValue, octetString, sequence } from '../der/writer.ts';
import { encodeUtf8 } from '../der/strings.ts';
import { PkiError } from '../errors.ts';
import type { Password } from '../pkcs5/encryption.ts';
import { deriveKey, derivationLimits, hmacAlgorithm, keyDerivationAlgorithm } from '../pkcs5/kdf.ts';
import { readHmacDigest, readKeyDerivation } from '../pkcs5/kdf.ts';
import type { KeyDerivation } from '../pkcs5/kdf.ts';
import { PKCS5_OID } from '../pkcs5/oids.ts';
import { derivationPurpose, derivePkcs12, encodeBmpPassword } from '../pkcs5/pkcs12-derivation.ts';
import { digestSizes } from '../pkcs5/port.ts';
import type { PasswordCrypto, PasswordDigest } from '../pkcs5/port.ts';
import { algorithmIdentifier, readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { OID } from '../x509/oids.ts';

/** How the whole file is protected against change. */
export type Pkcs12Mac =
  | {
      readonly type: 'pkcs12';
      readonly digest: PasswordDigest;
      readonly salt: Uint8Array;
      readonly iterations: number;
    }
  | { readonly type: 'pbmac1'; readonly kdf: KeyDerivation; readonly digest: PasswordDigest };

export interface ReadMac {
  readonly mac: Pkcs12Mac;
  readonly value: Uint8Array;
}

const digestOfOid: Readonly<Record<string, PasswordDigest>> = {
  [OID.sha1]: 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

/** A MAC shorter than this authenticates nothing (RFC 9579, section 8: no truncation). */
const minPbmac1KeyBytes = 20;

/** Reads MacData (RFC 7292, section 4; RFC 9579). */
export function readMacData(reader: DerReader): ReadMac {
  const outer = reader.enter(TAG.SEQUENCE);
  const inner = reader.enter(TAG.SEQUENCE);
  const algorithm = readAlgorithm(reader);
  reader.octetString();
  const value = reader.content();
  reader.leave(inner);
  reader.octetString();
  const salt = reader.content().slice();
  const iterations = reader.done ? 1 : reader.smallInteger();
  reader.leave(outer);
  // RFC 9579, section 5: salt and iterations of MacData mean nothing beside PBMAC1.
  if (algorithm.oid === PKCS5_OID.pbmac1) return { mac: readPbmac1(algorithm), value };
  const digest = digestOfOid[algorithm.oid];
  if (digest === undefined) throw new PkiError('password_algorithm_unsupported', `MAC ${algorithm.oid}`);
  if (iterations < 1) throw new PkiError('pkcs12_malformed', 'iterations of the MAC');
  if (iterations > derivationLimits.pkcs12Iterations || salt.length > derivationLimits.saltBytes) {
    throw new PkiError('password_cost', `${iterations} iterations, ${salt.length} octets of salt`);
  }
  return { mac: { type: 'pkcs12', digest, salt, iterations }, value };
}

/** PBMAC1-params (RFC 8018, appendix A.5); RFC 9579, section 4: the length of the key must stand there. */
function readPbmac1(algorithm: AlgorithmIdentifier): Pkcs12Mac {
  const reader = new DerReader(algorithm.parameters ?? new Uint8Array());
  const outer = reader.enter(TAG.SEQUENCE);
  const kdf = readKeyDerivation(readAlgorithm(reader));
  const digest = readHmacDigest(readAlgorithm(reader));
  reader.leave(outer);
  reader.finish();
  if (kdf.keyLengthBytes === undefined || kdf.keyLengthBytes < minPbmac1KeyBytes || kdf.keyLengthBytes > 1024) {
    throw new PkiError('pkcs12_malformed', 'length of the key of PBMAC1');
  }
  return { type: 'pbmac1', kdf, digest };
}

/** MacData of a MAC and its value. */
export function macData(mac: Pkcs12Mac, value: Uint8Array): Uint8Array {
  if (mac.type === 'pbmac1') {
    const parameters = sequence(keyDerivationAlgorithm(mac.kdf).der, hmacAlgorithm(mac.digest).der);
    const info = sequence(algorithmIdentifier(PKCS5_OID.pbmac1, parameters).der, octetString(value));
    // RFC 9579, section 6, asks for these two even though nobody uses them.
    return sequence(info, octetString(Uint8Array.from('NOT USED', (c) => c.charCodeAt(0))), integer(1));
  }
  const oid = Object.entries(digestOfOid).find(([, digest]) => digest === mac.digest)?.[0] ?? OID.sha256;
  const info = sequence(algorithmIdentifier(oid, nullValue()).der, octetString(value));
  return sequence(info, octetString(mac.salt), mac.iterations === 1 ? undefined : integer(mac.iterations));
}

/** @throws PkiError `password_algorithm_unsupported` when the port lacks the digest */
export async function computeMac(
  mac: Pkcs12Mac,
  password: Password,
  content: Uint8Array,
  crypto: PasswordCrypto,
): Promise<Uint8Array> {
  if (!crypto.supports(mac.digest)) throw new PkiError('password_algorithm_unsupported', mac.digest);
  if (mac.type === 'pbmac1') {
    const key = await deriveKey(mac.kdf, encodeUtf8(password ?? ''), mac.kdf.keyLengthBytes ?? 32, crypto);
    return crypto.hmac(mac.digest, key, content);
  }
  const { digest, salt, iterations } = mac;
  const octets = password === undefined ? new Uint8Array() : encodeBmpPassword(password);
  const length = digestSizes[digest].output;
  const key = await derivePkcs12(digest, derivationPurpose.mac, octets, salt, iterations, length, crypto);
  return crypto.hmac(digest, key, content);
}

/** Compares without telling by its time where the difference is. */
export function sameMac(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

import { DerReader } from '../der/reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { checkPrivateKey } from './private-key-kinds.ts';
import type { PrivateKeyKind } from './private-key-kinds.ts';

/** A private key in the clear (RFC 5958 OneAsymmetricKey, which RFC 5208 called PrivateKeyInfo). */
export interface PrivateKeyInfo {
  readonly der: Uint8Array;
  readonly version: 1 | 2;
  readonly algorithm: AlgorithmIdentifier;
  readonly kind: PrivateKeyKind;
  /** The key in the form of its algorithm. */
  readonly privateKey: Uint8Array;
  /** Only version 2 may carry it. */
  readonly publicKey: Uint8Array | undefined;
}

const maxBytes = 64 << 10;

/**
 * Reads an unencrypted PKCS#8 private key (RFC 5958, section 2), and inside it the key itself: RSA (RFC 8017, appendix A.1.2), EC
 * (RFC 5915), Ed25519 (RFC 8410), ML-DSA (RFC 9881). A key of another kind is `{ type: 'unknown' }`.
 *
 * @throws PkiError `private_key_malformed` or a `der_…` code
 *
 * @example
 * parsePrivateKey(der).kind; // { type: 'ec', curve: 'P-256' }
 */
export function parsePrivateKey(der: Uint8Array): PrivateKeyInfo {
  const reader = new DerReader(der, { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const encodedVersion = reader.smallInteger();
  if (encodedVersion > 1) throw new PkiError('private_key_malformed', `version ${encodedVersion}`, reader.from);
  const algorithm = readAlgorithm(reader);
  reader.octetString();
  const privateKey = reader.content();
  skipAttributes(reader);
  const publicKey = readPublicKey(reader, encodedVersion);
  reader.leave(outer);
  reader.finish();
  const kind = checkPrivateKey(algorithm, privateKey);
  return { der: reader.bytes, version: encodedVersion === 0 ? 1 : 2, algorithm, kind, privateKey, publicKey };
}

/** Attributes say nothing about the key that we would use; they must be well-formed all the same. */
function skipAttributes(reader: DerReader): void {
  if (reader.peek() !== contextConstructed(0)) return;
  const outer = reader.enter(contextConstructed(0));
  while (!reader.done) {
    const inner = reader.enter(TAG.SEQUENCE);
    reader.oid();
    reader.element(TAG.SET);
    reader.leave(inner);
  }
  reader.leave(outer);
}

function readPublicKey(reader: DerReader, encodedVersion: number): Uint8Array | undefined {
  if (reader.peek() !== contextPrimitive(1)) return undefined;
  if (encodedVersion === 0) throw new PkiError('private_key_malformed', 'a public key in version 1', reader.pos);
  reader.bitOctets(contextPrimitive(1));
  return reader.content();
}

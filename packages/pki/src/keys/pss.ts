import { PkiError } from '../errors.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, TAG } from '../der/tags.ts';
import { explicit, integer, nullValue, oid, sequence } from '../der/writer.ts';
import { readAlgorithm } from '../x509/algorithm.ts';
import { OID } from '../x509/oids.ts';

/** Digests of RSASSA-PSS. */
export type PssHash = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** RSASSA-PSS-params (RFC 4055 section 3.1), where MGF1 uses the same digest and the trailer is 0xBC. */
export interface PssParameters {
  readonly hash: PssHash;
  /** Octets of salt. */
  readonly saltLength: number;
}

/** Octets of each digest. */
export const DIGEST_OCTETS: Readonly<Record<PssHash, number>> = {
  sha1: 20,
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

const HASH_OF: Readonly<Record<string, PssHash>> = {
  [OID.sha1]: 'sha1',
  [OID.sha224]: 'sha224',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

/**
 * Reads RSASSA-PSS-params strictly: every field in its place, no DEFAULT spelled out, MGF1 over the same digest.
 *
 * @throws PkiError `algorithm_malformed`, `algorithm_unsupported`, `der_…`
 */
export function readPssParameters(der: Uint8Array): PssParameters {
  const reader = new DerReader(der);
  const outer = reader.enter(TAG.SEQUENCE);
  let hash: PssHash = 'sha1';
  let maskHash: PssHash = 'sha1';
  let saltLength = 20;
  if (reader.peek() === contextConstructed(0)) {
    const inner = reader.enter(contextConstructed(0));
    hash = readHash(reader);
    reader.leave(inner);
    if (hash === 'sha1') throw new PkiError('der_default', 'hashAlgorithm');
  }
  if (reader.peek() === contextConstructed(1)) {
    const inner = reader.enter(contextConstructed(1));
    maskHash = readMask(reader);
    reader.leave(inner);
    if (maskHash === 'sha1') throw new PkiError('der_default', 'maskGenAlgorithm');
  }
  if (reader.peek() === contextConstructed(2)) {
    const inner = reader.enter(contextConstructed(2));
    saltLength = reader.smallInteger();
    reader.leave(inner);
    if (saltLength === 20) throw new PkiError('der_default', 'saltLength');
  }
  if (reader.peek() === contextConstructed(3)) {
    const inner = reader.enter(contextConstructed(3));
    const trailer = reader.smallInteger();
    reader.leave(inner);
    throw new PkiError(trailer === 1 ? 'der_default' : 'algorithm_unsupported', 'trailerField');
  }
  reader.leave(outer);
  reader.finish();
  if (hash !== maskHash) throw new PkiError('algorithm_unsupported', 'RSASSA-PSS with another digest in MGF1');
  return { hash, saltLength };
}

function readMask(reader: DerReader): PssHash {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.oidText() !== OID.mgf1) throw new PkiError('algorithm_unsupported', 'mask generation function');
  const hash = readHash(reader);
  reader.leave(outer);
  return hash;
}

function readHash(reader: DerReader): PssHash {
  const algorithm = readAlgorithm(reader);
  const hash = HASH_OF[algorithm.oid];
  if (hash === undefined) throw new PkiError('algorithm_unsupported', algorithm.oid);
  // RFC 4055 section 2.1: NULL or absent, and both must be accepted.
  const { parameters } = algorithm;
  if (parameters !== undefined && !(parameters.length === 2 && parameters[0] === TAG.NULL)) {
    throw new PkiError('algorithm_malformed', 'digest parameters');
  }
  return hash;
}

/** RSASSA-PSS-params of a digest other than SHA-1, with a salt as long as the digest. */
export function encodePssParameters(hash: Exclude<PssHash, 'sha1'>): Uint8Array {
  const digest = sequence(oid(OID[hash]), nullValue());
  return sequence(
    explicit(0, digest),
    explicit(1, sequence(oid(OID.mgf1), digest)),
    explicit(2, integer(DIGEST_OCTETS[hash])),
  );
}

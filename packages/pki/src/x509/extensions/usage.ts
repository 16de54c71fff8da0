import { PkiError } from '../../errors.ts';
import type { DerReader } from '../../der/reader.ts';
import { TAG } from '../../der/tags.ts';

/** Names of the bits of KeyUsage, bit 0 first (RFC 5280 section 4.2.1.3). */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsageName = (typeof KEY_USAGES)[number];

/** KeyUsage: `mask` has 1 for bit 0 (digitalSignature), 2 for bit 1, … */
export class KeyUsage {
  readonly mask: number;

  constructor(mask: number) {
    this.mask = mask;
  }

  has(name: KeyUsageName): boolean {
    return (this.mask & (1 << KEY_USAGES.indexOf(name))) !== 0;
  }

  /** The names of the bits that are set, bit 0 first. */
  get names(): readonly KeyUsageName[] {
    return KEY_USAGES.filter((name) => this.has(name));
  }
}

/** Reads KeyUsage as a mask; at least one bit must be set (RFC 5280 section 4.2.1.3). */
export function readKeyUsage(reader: DerReader): number {
  const mask = reader.namedBits();
  if (mask === 0) throw new PkiError('ext_malformed', 'keyUsage without any bit', reader.from);
  if (mask >= 1 << KEY_USAGES.length) throw new PkiError('ext_malformed', 'keyUsage with an unknown bit', reader.from);
  return mask;
}

/** BasicConstraints (RFC 5280 section 4.2.1.9). */
export interface BasicConstraints {
  readonly ca: boolean;
  readonly pathLen?: number;
}

export function readBasicConstraints(reader: DerReader): BasicConstraints {
  const outer = reader.enter(TAG.SEQUENCE);
  const ca = reader.booleanDefaultFalse();
  let pathLen: number | undefined;
  if (!reader.done) pathLen = reader.smallInteger();
  reader.leave(outer);
  return pathLen === undefined ? { ca } : { ca, pathLen };
}

/** Reads a SEQUENCE SIZE (1..MAX) OF OBJECT IDENTIFIER; with `build` false it is only checked. */
export function readOids(reader: DerReader, build: boolean): readonly string[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const oids: string[] | undefined = build ? [] : undefined;
  do {
    reader.oid();
    oids?.push(reader.oidOf(reader.from, reader.to));
  } while (!reader.done);
  reader.leave(outer);
  return oids;
}

/** TLS feature (RFC 7633): numbers of TLS extensions the server must answer with; 5 is status_request ("must staple"). */
export function readTlsFeature(reader: DerReader, build: boolean): readonly number[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  const features: number[] | undefined = build ? [] : undefined;
  while (!reader.done) {
    const feature = reader.smallInteger();
    if (feature > 0xffff) throw new PkiError('ext_malformed', 'tlsFeature', reader.from);
    features?.push(feature);
  }
  reader.leave(outer);
  return features;
}

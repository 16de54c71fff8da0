import { PkiError } from '../../errors.ts';
import type { DerReader } from '../../der/reader.ts';
import { TAG } from '../../der/tags.ts';
import { readGeneralNames } from '../general-name.ts';
import type { GeneralName } from '../general-name.ts';
import { checkRdn, readRdn } from '../name.ts';
import type { RelativeDistinguishedName } from '../name.ts';

/** DistributionPointName (RFC 5280 section 4.2.1.13): one of the two. */
export type DistributionPointName =
  | { readonly fullName: readonly GeneralName[]; readonly relativeName?: undefined }
  | { readonly relativeName: RelativeDistinguishedName; readonly fullName?: undefined };

/** One DistributionPoint (RFC 5280 section 4.2.1.13). */
export interface DistributionPoint {
  readonly name?: DistributionPointName;
  /** ReasonFlags as a mask: bit 1 (value 2) keyCompromise, … bit 8 aACompromise. Absent: all reasons. */
  readonly reasons?: number;
  readonly crlIssuer?: readonly GeneralName[];
}

/** Highest bit of ReasonFlags: aACompromise. */
const LAST_REASON_BIT = 8;

/** Reads ReasonFlags under this tag as a mask. */
export function readReasonFlags(reader: DerReader, tag: number): number {
  const mask = reader.namedBits(tag);
  if (mask >= 1 << (LAST_REASON_BIT + 1)) throw new PkiError('ext_malformed', 'an unknown reason flag', reader.from);
  return mask;
}

/** Reads the DistributionPointName inside its explicit tag `[0]`. */
export function readDistributionPointName(reader: DerReader, build: boolean): DistributionPointName | undefined {
  const outer = reader.enter(0xa0);
  let result: DistributionPointName | undefined;
  if (reader.peek() === 0xa0) {
    const fullName = readGeneralNames(reader, 0xa0, build);
    if (fullName !== undefined) result = { fullName };
  } else if (build) {
    const start = reader.pos;
    checkRdn(reader, 0xa1);
    reader.pos = start;
    result = { relativeName: readRdn(reader, 0xa1) };
  } else {
    checkRdn(reader, 0xa1);
  }
  reader.leave(outer);
  return result;
}

export function readDistributionPoints(reader: DerReader, build: boolean): readonly DistributionPoint[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const list: DistributionPoint[] | undefined = build ? [] : undefined;
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    const point: { -readonly [K in keyof DistributionPoint]: DistributionPoint[K] } = {};
    if (reader.peek() === 0xa0) {
      const name = readDistributionPointName(reader, build);
      if (name !== undefined) point.name = name;
    }
    if (reader.peek() === 0x81) point.reasons = readReasonFlags(reader, 0x81);
    if (reader.peek() === 0xa2) {
      const crlIssuer = readGeneralNames(reader, 0xa2, build);
      if (crlIssuer !== undefined) point.crlIssuer = crlIssuer;
    }
    reader.leave(inner);
    list?.push(point);
  } while (!reader.done);
  reader.leave(outer);
  return list;
}

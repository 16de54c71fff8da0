import { PkiError } from '../errors.ts';
import { compareRanges, equalOctets } from '../der/octets.ts';
import { oidToText } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import type { DerLimits } from '../der/reader.ts';
import { checkString, decodeString, isStringTag } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { canonicalName } from './name-compare.ts';

/** One `type=value` of a name. */
export interface AttributeTypeAndValue {
  /** Dotted identifier of the attribute type. */
  readonly type: string;
  /** Identifier octet of the value's type. */
  readonly tag: number;
  /** The text, where the value is a character string; control characters and NUL are still in it. */
  readonly value: string | undefined;
  /** The whole encoding of the value. */
  readonly valueDer: Uint8Array;
}

/** One level of a name: usually one attribute, seldom more. */
export type RelativeDistinguishedName = readonly AttributeTypeAndValue[];

/** A distinguished name (RFC 5280 section 4.1.2.4). */
export interface Name {
  readonly der: Uint8Array;
  readonly rdns: readonly RelativeDistinguishedName[];
  /** A text that is the same for two names exactly when {@link nameEquals} holds: a key for maps. */
  readonly key: string;
  /** Whether the name has no attribute at all. */
  readonly isEmpty: boolean;
}

class DecodedName implements Name {
  readonly der: Uint8Array;
  private decoded: readonly RelativeDistinguishedName[] | undefined;
  private canonical: string | undefined;

  constructor(der: Uint8Array) {
    this.der = der;
  }

  get rdns(): readonly RelativeDistinguishedName[] {
    return (this.decoded ??= decodeRdns(this.der));
  }

  get key(): string {
    return (this.canonical ??= canonicalName(this.rdns));
  }

  get isEmpty(): boolean {
    return this.der.length === 2;
  }
}

/** Checks a Name from the cursor on and moves behind it, without building anything. */
export function checkName(reader: DerReader): void {
  const outer = reader.enter(TAG.SEQUENCE);
  while (!reader.done) checkRdn(reader, TAG.SET);
  reader.leave(outer);
}

/** Checks a RelativeDistinguishedName: not empty, in the order of a SET OF, no attribute twice. */
export function checkRdn(reader: DerReader, tag: number): void {
  const outer = reader.enter(tag);
  if (reader.done) throw new PkiError('name_malformed', 'an empty relative name', reader.pos);
  let previousStart = -1;
  let previousEnd = -1;
  do {
    const start = reader.pos;
    const inner = reader.enter(TAG.SEQUENCE);
    reader.oid();
    reader.any();
    if (isStringTag(reader.tag)) checkString(reader.bytes, reader.tag, reader.from, reader.to);
    reader.leave(inner);
    if (previousStart >= 0) {
      const order = compareRanges(reader.bytes, previousStart, previousEnd, start, reader.pos);
      if (order === 0) throw new PkiError('name_malformed', 'the same attribute twice', start);
      if (order > 0) throw new PkiError('der_set_order', undefined, start);
    }
    previousStart = start;
    previousEnd = reader.pos;
  } while (!reader.done);
  reader.leave(outer);
}

/** Reads a Name at the cursor, checked; its attributes are decoded when they are asked for. */
export function readName(reader: DerReader): Name {
  const start = reader.pos;
  checkName(reader);
  return new DecodedName(reader.bytes.subarray(start, reader.pos));
}

/** A Name over octets that {@link checkName} has passed. */
export function checkedName(der: Uint8Array): Name {
  return new DecodedName(der);
}

/** Decodes one RelativeDistinguishedName at the cursor. */
export function readRdn(reader: DerReader, tag: number): RelativeDistinguishedName {
  const outer = reader.enter(tag);
  const attributes: AttributeTypeAndValue[] = [];
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    reader.oid();
    const type = oidToText(reader.bytes, reader.from, reader.to);
    const valueDer = reader.anyDer();
    const value = isStringTag(reader.tag) ? decodeString(reader.bytes, reader.tag, reader.from, reader.to) : undefined;
    attributes.push({ type, tag: reader.tag, value, valueDer });
    reader.leave(inner);
  } while (!reader.done);
  reader.leave(outer);
  return attributes;
}

function decodeRdns(der: Uint8Array): readonly RelativeDistinguishedName[] {
  const reader = new DerReader(der, { maxBytes: der.length });
  const outer = reader.enter(TAG.SEQUENCE);
  const rdns: RelativeDistinguishedName[] = [];
  while (!reader.done) rdns.push(readRdn(reader, TAG.SET));
  reader.leave(outer);
  return rdns;
}

/**
 * Reads a DER-encoded Name (RFC 5280 section 4.1.2.4).
 *
 * @throws PkiError `der_…`, `name_malformed`
 */
export function parseName(der: Uint8Array, limits?: DerLimits): Name {
  const reader = new DerReader(new Uint8Array(der), limits);
  const name = readName(reader);
  reader.finish();
  return name;
}

/**
 * Whether two names are the same (RFC 5280 section 7.1, RFC 4518): attribute values are compared as text, whatever
 * their string types, without regard to case and to runs of white space; values that are no text, octet by octet.
 */
export function nameEquals(a: Name, b: Name): boolean {
  return a === b || equalOctets(a.der, b.der) || a.key === b.key;
}

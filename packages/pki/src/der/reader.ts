import { PkiError } from '../errors.ts';
import { checkOid, oidToText } from './oid.ts';
import { plainView } from './octets.ts';
import { TAG } from './tags.ts';
import { parseTime } from './time.ts';

/** Bounds of one reading. */
export interface DerLimits {
  /** Largest input, in octets. */
  readonly maxBytes?: number;
  /** Deepest nesting of elements that are entered. */
  readonly maxDepth?: number;
  /** Accepts GeneralizedTime before 2050 where RFC 5280 asks for UTCTime: old test data only. */
  readonly anyTimeForm?: boolean;
}

const DEFAULT_MAX_BYTES = 1 << 20;
const DEFAULT_MAX_DEPTH = 32;

/**
 * A cursor over DER (X.690 section 10): strict, without allocation. `pos` moves forward inside [pos, end); a reading
 * method leaves the range of the content it read in `from` and `to` and the tag in `tag`.
 *
 * Every method throws PkiError with a `der_…` code and the offset when the octets are not strict DER of the type asked for.
 *
 * @example
 * const reader = new DerReader(der);
 * const outer = reader.enter(TAG.SEQUENCE);
 * const version = reader.smallInteger();
 * reader.leave(outer);
 * reader.finish();
 */
export class DerReader {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;
  /** Tag of the element read last. */
  tag = 0;
  /** Offset of the first content octet of the element read last (a BIT STRING's: after the padding count). */
  from = 0;
  /** Offset behind the last content octet of the element read last. */
  to = 0;
  /** Padding bits of the BIT STRING read last. */
  unusedBits = 0;
  /** See {@link DerLimits.anyTimeForm}. */
  readonly anyTimeForm: boolean;
  private depth: number;

  constructor(bytes: Uint8Array, limits?: DerLimits, start = 0, end = bytes.length) {
    if (end - start > (limits?.maxBytes ?? DEFAULT_MAX_BYTES)) throw new PkiError('der_size', `${end - start} octets`);
    this.bytes = plainView(bytes);
    this.pos = start;
    this.end = end;
    this.depth = limits?.maxDepth ?? DEFAULT_MAX_DEPTH;
    this.anyTimeForm = limits?.anyTimeForm === true;
  }

  /** Whether the current element holds nothing more. */
  get done(): boolean {
    return this.pos >= this.end;
  }

  /** Tag of the next element, -1 at the end of the current one. */
  peek(): number {
    return this.pos < this.end ? (this.bytes[this.pos] as number) : -1;
  }

  /** Reads the header of any element: sets `tag`, `from`, `to`; the cursor then stands on the content. */
  header(): void {
    const bytes = this.bytes;
    const start = this.pos;
    const end = this.end;
    if (start + 2 > end) throw new PkiError('der_truncated', undefined, start);
    const tag = bytes[start] as number;
    // Tag numbers above 30 occur nowhere in X.509; 00 is the end-of-contents octet of BER.
    if ((tag & 0x1f) === 0x1f || tag === 0) throw new PkiError('der_tag', `tag octet ${tag}`, start);
    let length = bytes[start + 1] as number;
    let from = start + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw new PkiError('der_length', undefined, start + 1);
      if (from + count > end) throw new PkiError('der_truncated', undefined, from);
      length = bytes[from] as number;
      if (length === 0) throw new PkiError('der_length', undefined, from);
      for (let i = 1; i < count; i++) length = length * 256 + (bytes[from + i] as number);
      if (length < 0x80) throw new PkiError('der_length', undefined, from);
      from += count;
    }
    if (length > end - from) throw new PkiError('der_truncated', undefined, from);
    this.tag = tag;
    this.pos = from;
    this.from = from;
    this.to = from + length;
  }

  /** Reads the header of an element that must have this tag. */
  expect(tag: number): void {
    const found = this.peek();
    if (found !== tag) {
      if (found === -1) throw new PkiError('der_truncated', undefined, this.pos);
      throw new PkiError('der_tag', `tag octet ${found}, expected ${tag}`, this.pos);
    }
    this.header();
  }

  /** Enters a constructed element; returns the end of the outer one, for {@link leave}. */
  enter(tag: number): number {
    this.expect(tag);
    return this.enterHere();
  }

  /** Enters the element whose header was just read. */
  enterHere(): number {
    if (--this.depth < 0) throw new PkiError('der_depth', undefined, this.pos);
    const outer = this.end;
    this.end = this.to;
    return outer;
  }

  /** Leaves the current element, which must have been read to its end. */
  leave(outer: number): void {
    if (this.pos !== this.end) throw new PkiError('der_trailing', undefined, this.pos);
    this.end = outer;
    this.depth++;
  }

  /** The whole must have been read. */
  finish(): void {
    if (this.pos !== this.end) throw new PkiError('der_trailing', undefined, this.pos);
  }

  /** Reads any element without looking into it. */
  any(): void {
    this.header();
    this.pos = this.to;
  }

  /** Reads an element of this tag without looking into it. */
  element(tag: number): void {
    this.expect(tag);
    this.pos = this.to;
  }

  /** Content of the element read last; the memory is shared. */
  content(): Uint8Array {
    return this.bytes.subarray(this.from, this.to);
  }

  /** Any element, header included; the memory is shared. */
  anyDer(): Uint8Array {
    const start = this.pos;
    this.any();
    return this.bytes.subarray(start, this.to);
  }

  boolean(tag: number = TAG.BOOLEAN): boolean {
    this.element(tag);
    const octet = this.bytes[this.from];
    if (this.to - this.from !== 1 || (octet !== 0 && octet !== 0xff)) {
      throw new PkiError('der_boolean', undefined, this.from);
    }
    return octet === 0xff;
  }

  /**
   * A BOOLEAN DEFAULT FALSE. The one leniency of this reader: FALSE may be spelled out, although DER leaves defaults out
   * (X.690 section 11.5). Public CAs issued such certificates for years, FreeIPA requests and the example of
   * RFC 8410 have it, and every other implementation reads it; its meaning is never in doubt.
   */
  booleanDefaultFalse(tag: number = TAG.BOOLEAN): boolean {
    return this.peek() === tag && this.boolean(tag);
  }

  /** An INTEGER of any size: its content range is left in `from` and `to`. */
  integer(tag: number = TAG.INTEGER): void {
    this.element(tag);
    const from = this.from;
    const length = this.to - from;
    if (length === 0) throw new PkiError('der_integer', undefined, from);
    if (length > 1) {
      const first = this.bytes[from] as number;
      const second = this.bytes[from + 1] as number;
      if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) {
        throw new PkiError('der_integer', undefined, from);
      }
    }
  }

  /** An INTEGER from 0 to 2^31 - 1. */
  smallInteger(tag: number = TAG.INTEGER): number {
    this.integer(tag);
    const length = this.to - this.from;
    if (length > 4 || (this.bytes[this.from] as number) >= 0x80) {
      throw new PkiError('der_integer_range', undefined, this.from);
    }
    let value = 0;
    for (let i = this.from; i < this.to; i++) value = value * 256 + (this.bytes[i] as number);
    return value;
  }

  null(): void {
    this.element(TAG.NULL);
    if (this.to !== this.from) throw new PkiError('der_null', undefined, this.from);
  }

  /** An OBJECT IDENTIFIER, checked; its content range is left in `from` and `to`. */
  oid(tag: number = TAG.OID): void {
    this.element(tag);
    checkOid(this.bytes, this.from, this.to);
  }

  /** An OBJECT IDENTIFIER as dotted text. */
  oidText(tag: number = TAG.OID): string {
    this.oid(tag);
    return oidToText(this.bytes, this.from, this.to);
  }

  /** Dotted text of an OBJECT IDENTIFIER's content range that {@link oid} has checked. */
  oidOf(from: number, to: number): string {
    return oidToText(this.bytes, from, to);
  }

  octetString(tag: number = TAG.OCTET_STRING): void {
    this.element(tag);
  }

  /** A BIT STRING: `from` stands behind the padding count, which is in `unusedBits`; padding bits must be zero. */
  bitString(tag: number = TAG.BIT_STRING): void {
    this.element(tag);
    const { from, to } = this;
    if (from === to) throw new PkiError('der_bit_string', undefined, from);
    const unused = this.bytes[from] as number;
    if (unused > 7 || (unused > 0 && to - from === 1)) throw new PkiError('der_bit_string', undefined, from);
    if (unused > 0 && ((this.bytes[to - 1] as number) & ((1 << unused) - 1)) !== 0) {
      throw new PkiError('der_bit_string', undefined, to - 1);
    }
    this.unusedBits = unused;
    this.from = from + 1;
  }

  /** A BIT STRING that holds whole octets. */
  bitOctets(tag: number = TAG.BIT_STRING): void {
    this.bitString(tag);
    if (this.unusedBits !== 0) throw new PkiError('der_bit_string', 'not whole octets', this.from);
  }

  /** A BIT STRING of named bits (X.690 section 11.2.2: no trailing zero bits), at most 16, as a mask: bit 0 is 1, bit 1 is 2, … */
  namedBits(tag: number = TAG.BIT_STRING): number {
    this.bitString(tag);
    const { from, to } = this;
    if (to - from > 2) throw new PkiError('der_bit_string', 'too many bits', from);
    if (to > from && ((this.bytes[to - 1] as number) & (1 << this.unusedBits)) === 0) {
      throw new PkiError('der_bit_string', 'trailing zero bits', to - 1);
    }
    let mask = 0;
    for (let i = from; i < to; i++) {
      const octet = this.bytes[i] as number;
      for (let bit = 0; bit < 8; bit++) if ((octet & (0x80 >> bit)) !== 0) mask |= 1 << ((i - from) * 8 + bit);
    }
    return mask;
  }

  /** A UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 asks for it, in milliseconds since the epoch. */
  time(): number {
    const tag = this.peek();
    if (tag !== TAG.UTC_TIME && tag !== TAG.GENERALIZED_TIME) {
      throw new PkiError(tag === -1 ? 'der_truncated' : 'der_tag', 'a time was expected', this.pos);
    }
    this.any();
    return parseTime(this.bytes, tag, this.from, this.to, this.anyTimeForm);
  }

  /** A GeneralizedTime of any year, in milliseconds since the epoch. */
  generalizedTime(tag: number = TAG.GENERALIZED_TIME): number {
    this.element(tag);
    return parseTime(this.bytes, TAG.GENERALIZED_TIME, this.from, this.to, true);
  }
}

/**
 * Walks a whole element, into every constructed one, and checks that it is strict DER: for values whose type is not known.
 *
 * @throws PkiError
 */
export function checkDer(bytes: Uint8Array, start = 0, end = bytes.length, limits?: DerLimits): void {
  const reader = new DerReader(bytes, { maxBytes: end - start, ...limits }, start, end);
  checkElement(reader);
  reader.finish();
}

function checkElement(reader: DerReader): void {
  reader.header();
  if ((reader.tag & 0x20) === 0) {
    reader.pos = reader.to;
    return;
  }
  const outer = reader.enterHere();
  while (!reader.done) checkElement(reader);
  reader.leave(outer);
}

import { PkiError } from '../../errors.ts';
import { equalRanges } from '../../der/octets.ts';
import { oidToText } from '../../der/oid.ts';
import { DerReader } from '../../der/reader.ts';
import { TAG } from '../../der/tags.ts';
import type { Extension } from './extension.ts';
import { EXT, knownExtension, readKnownExtension } from './known.ts';
import type { KnownExtension } from './known.ts';
import { KeyUsage } from './usage.ts';

const MAX_EXTENSIONS = 128;
/** Numbers kept for each extension: identifier from and to, critical, value from and to, place of a known one. */
const STRIDE = 6;

/**
 * The extensions of a certificate: all checked when read, each known one decoded when first asked for.
 * They are kept as offsets, because most are never looked at.
 */
export class DecodedExtensions {
  static readonly none = new DecodedExtensions(undefined);

  private readonly bytes: Uint8Array;
  private readonly offsets: number[] = [];
  /** Bit n: the known extension n is there. */
  private present = 0;
  private values: unknown[] | undefined;
  private extensions: readonly Extension[] | undefined;

  /** Reads Extensions (a SEQUENCE of at least one) at the cursor. */
  constructor(reader: DerReader | undefined) {
    if (reader === undefined) {
      this.bytes = new Uint8Array(0);
      return;
    }
    this.bytes = reader.bytes;
    const outer = reader.enter(TAG.SEQUENCE);
    if (reader.done) throw new PkiError('ext_malformed', 'no extension at all', reader.pos);
    do this.readOne(reader);
    while (!reader.done);
    reader.leave(outer);
  }

  private readOne(reader: DerReader): void {
    const outer = reader.enter(TAG.SEQUENCE);
    reader.oid();
    const { from, to } = reader;
    const which = knownExtension(reader.bytes, from, to);
    if (which === -1) this.refuseTwice(from, to);
    else {
      if ((this.present & (1 << which)) !== 0)
        throw new PkiError('ext_duplicate', oidToText(this.bytes, from, to), from);
      this.present |= 1 << which;
    }
    const critical = reader.booleanDefaultFalse();
    reader.expect(TAG.OCTET_STRING);
    const valueFrom = reader.from;
    const valueTo = reader.to;
    if (which === -1) {
      reader.pos = valueTo;
    } else {
      const value = reader.enterHere();
      readKnownExtension(which, reader, false);
      reader.leave(value);
    }
    reader.leave(outer);
    this.offsets.push(from, to, critical ? 1 : 0, valueFrom, valueTo, which);
    if (this.offsets.length > MAX_EXTENSIONS * STRIDE) throw new PkiError('ext_too_many', undefined, from);
  }

  private refuseTwice(from: number, to: number): void {
    const { bytes, offsets } = this;
    for (let i = 0; i < offsets.length; i += STRIDE) {
      if (equalRanges(bytes, from, to, bytes, offsets[i] as number, offsets[i + 1] as number)) {
        throw new PkiError('ext_duplicate', oidToText(bytes, from, to), from);
      }
    }
  }

  get list(): readonly Extension[] {
    if (this.extensions !== undefined) return this.extensions;
    const list: Extension[] = [];
    const { bytes, offsets } = this;
    for (let i = 0; i < offsets.length; i += STRIDE) {
      list.push({
        oid: oidToText(bytes, offsets[i] as number, offsets[i + 1] as number),
        critical: offsets[i + 2] === 1,
        value: bytes.subarray(offsets[i + 3], offsets[i + 4]),
      });
    }
    this.extensions = list;
    return list;
  }

  get unknownCritical(): readonly string[] {
    const { bytes, offsets } = this;
    let list: string[] = NONE;
    for (let i = 0; i < offsets.length; i += STRIDE) {
      if (offsets[i + 2] !== 1 || offsets[i + 5] !== -1) continue;
      if (list === NONE) list = [];
      list.push(oidToText(bytes, offsets[i] as number, offsets[i + 1] as number));
    }
    return list;
  }

  isCritical(oid: string): boolean {
    return this.list.some((extension) => extension.critical && extension.oid === oid);
  }

  /** The decoded value of a known extension. */
  get(which: KnownExtension): unknown {
    if ((this.present & (1 << which)) === 0) return undefined;
    const values = (this.values ??= []);
    return (values[which] ??= this.decode(which));
  }

  private decode(which: KnownExtension): unknown {
    const { bytes, offsets } = this;
    let i = 0;
    while (offsets[i + 5] !== which) i += STRIDE;
    const reader = new DerReader(bytes, CHECKED, offsets[i + 3], offsets[i + 4]);
    const value = readKnownExtension(which, reader, true);
    return which === EXT.keyUsage ? new KeyUsage(value as number) : value;
  }
}

const NONE: string[] = [];

/** What is decoded here was checked under the limits of the first reading. */
const CHECKED = { maxBytes: Number.MAX_SAFE_INTEGER };

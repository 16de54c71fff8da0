import { DerReader } from '../der/reader.ts';
import { CHECKED_ENTRIES, CrlEntryCursor } from './entries.ts';

/**
 * Serial number -> places of its entries in the octets of a CRL, in three typed arrays: 12 octets an entry or little more.
 * Entries of one bucket are chained, so that a list made to collide costs time when it is searched, never when it is indexed.
 */
export class CrlEntryIndex {
  private readonly bytes: Uint8Array;
  /** Bucket -> number of its last entry, counted from one; zero: none. */
  private readonly heads: Uint32Array;
  /** Entry -> number of the entry before it in its bucket, counted from one. */
  private readonly previous: Uint32Array;
  /** Entry -> its offset from `base`. */
  private readonly offsets: Uint32Array;
  private readonly base: number;
  private readonly mask: number;
  /** Where the certificate issuer changes (indirect CRLs): entry offset, offset of its GeneralNames, … */
  private readonly issuerChanges: number[] = [];

  constructor(bytes: Uint8Array, from: number, to: number, count: number, version: 1 | 2) {
    this.bytes = bytes;
    this.base = from;
    let size = 16;
    while (size < count) size *= 2;
    this.mask = size - 1;
    this.heads = new Uint32Array(size);
    this.previous = new Uint32Array(count);
    this.offsets = new Uint32Array(count);
    const reader = new DerReader(bytes, CHECKED_ENTRIES, from, to);
    const cursor = new CrlEntryCursor(reader);
    let issuer = -1;
    for (let entry = 0; entry < count; entry++) {
      const offset = reader.pos;
      cursor.read(version);
      if (cursor.issuerAt !== issuer) {
        issuer = cursor.issuerAt;
        this.issuerChanges.push(offset, issuer);
      }
      const bucket = hashRange(bytes, cursor.serialFrom, cursor.serialTo) & this.mask;
      this.offsets[entry] = offset - from;
      this.previous[entry] = this.heads[bucket] as number;
      this.heads[bucket] = entry + 1;
    }
  }

  /** Offsets of the entries with this serial number, the last of the list first. */
  find(serial: Uint8Array): number[] {
    const found: number[] = [];
    let entry = this.heads[hashRange(serial, 0, serial.length) & this.mask] as number;
    while (entry !== 0) {
      const offset = this.base + (this.offsets[entry - 1] as number);
      if (this.serialAt(offset, serial, this.bytes)) found.push(offset);
      entry = this.previous[entry - 1] as number;
    }
    return found;
  }

  private serialAt(offset: number, serial: Uint8Array, bytes: Uint8Array): boolean {
    // The entry was checked: SEQUENCE, then INTEGER, lengths in their shortest forms.
    let at = offset + 1;
    at += (bytes[at] as number) < 0x80 ? 1 : 1 + ((bytes[at] as number) & 0x7f);
    let length = bytes[++at] as number;
    if (length >= 0x80) {
      let count = length & 0x7f;
      for (length = 0; count > 0; count--) length = length * 256 + (bytes[++at] as number);
    }
    if (length !== serial.length) return false;
    at++;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== serial[i]) return false;
    return true;
  }

  /** Offset of the GeneralNames that apply to the entry at this offset, -1 for the CRL's own issuer. */
  issuerOf(offset: number): number {
    const changes = this.issuerChanges;
    let low = 0;
    let high = changes.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((changes[2 * middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? -1 : (changes[2 * low - 1] as number);
  }
}

/** A mixing hash: serial numbers may be counters as well as random. */
function hashRange(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

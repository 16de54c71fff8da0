import { DerReader } from '../der/reader.ts';
import { CHECKED_ENTRIES, CrlEntryCursor } from './entries.ts';

/** Largest part of the table that is filled. */
const LOAD = 0.6;

/**
 * Serial number -> places of its entries in the octets of a CRL: open addressing over one typed array, 4 octets a slot.
 * A slot holds the entry's offset from `base` plus one; zero is empty.
 */
export class CrlEntryIndex {
  private readonly bytes: Uint8Array;
  private readonly base: number;
  private readonly slots: Uint32Array;
  private readonly mask: number;
  /** Where the certificate issuer changes (indirect CRLs): entry offset, offset of its GeneralNames, … */
  private readonly issuerChanges: number[] = [];

  constructor(bytes: Uint8Array, from: number, to: number, count: number, version: 1 | 2) {
    this.bytes = bytes;
    this.base = from;
    let size = 16;
    while (size * LOAD < count) size *= 2;
    this.slots = new Uint32Array(size);
    this.mask = size - 1;
    const reader = new DerReader(bytes, CHECKED_ENTRIES, from, to);
    const cursor = new CrlEntryCursor(reader);
    let issuer = -1;
    while (!reader.done) {
      const offset = reader.pos;
      cursor.read(version);
      if (cursor.issuerAt !== issuer) {
        issuer = cursor.issuerAt;
        this.issuerChanges.push(offset, issuer);
      }
      this.insert(offset, cursor.serialFrom, cursor.serialTo);
    }
  }

  private insert(offset: number, serialFrom: number, serialTo: number): void {
    const { slots, mask } = this;
    let slot = hashRange(this.bytes, serialFrom, serialTo) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = offset - this.base + 1;
  }

  /** Offsets of the entries with this serial number, in the order of the list. */
  find(serial: Uint8Array): number[] {
    const { slots, mask, bytes, base } = this;
    const found: number[] = [];
    let slot = hashRange(serial, 0, serial.length) & mask;
    for (let value = slots[slot] as number; value !== 0; value = slots[slot] as number) {
      const offset = base + value - 1;
      if (this.serialAt(offset, serial, bytes)) found.push(offset);
      slot = (slot + 1) & mask;
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

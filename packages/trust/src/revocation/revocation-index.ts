import { dayOf, digestBySerial, issuerDigest, lastDayOf, UNKNOWN_DAY } from './member.ts';
import { finishHash, mixWord, MultisetDigest } from './multiset-digest.ts';
import { RecordPages, SERIAL_WORDS } from './record-pages.ts';
import { REVOCATION_REASONS, revocationReason } from './revocation.ts';
import type { Revocation, RevocationReason } from './revocation.ts';
import { readSerial, writeSerial } from './serial-words.ts';

const DAY_MS = 86_400_000;
const FIRST_CAPACITY = 64;
const MAX_ISSUERS = 1 << 28;

/** What the index says of one certificate that is in it. */
export interface RevocationStatus {
  readonly reason: RevocationReason;
  /** Milliseconds since the epoch, to the second. */
  readonly revokedAt: number;
  /** Milliseconds since the epoch, end of the day; undefined: not known. */
  readonly notAfter: number | undefined;
}

/**
 * The set of revoked certificates, keyed by (issuer, serial): open addressing over typed arrays. A million entries take less
 * than 40 MB; a lookup takes well under a microsecond and allocates nothing unless it hits.
 *
 * @example
 * const index = new RevocationIndex();
 * index.set({ issuerKeyHash, serialHex: '0aff', reason: 'keyCompromise', revokedAt: now });
 * index.lookup(issuerKeyHash, '0aff')?.reason; // 'keyCompromise'
 */
export class RevocationIndex {
  readonly #seed: number;
  readonly #records = new RecordPages();
  readonly #issuerNumbers = new Map<string, number>();
  readonly #issuers: { readonly keyHash: string; readonly lanes: Uint32Array }[] = [];
  #lastKeyHash: string | undefined;
  #lastNumber = 0;
  readonly #digest = new MultisetDigest();
  /** Serials of more than 160 bits: rare, and not worth a wider record. */
  readonly #oversized = new Map<string, Revocation>();
  readonly #probe = new Uint32Array(SERIAL_WORDS);
  readonly #scratch = new Uint32Array(SERIAL_WORDS);
  /** Record number + 1; 0 is free. */
  #slots: Uint32Array;
  #mask: number;
  /** No entry has an earlier last day. */
  #firstDay = UNKNOWN_DAY;

  /**
   * @param options.seed any 32-bit number; a random one keeps chosen serials from being made to collide.
   * @param options.capacity entries to make room for at once.
   */
  constructor(options: { seed?: number; capacity?: number } = {}) {
    this.#seed = options.seed ?? 0;
    this.#slots = new Uint32Array(slotCount(options.capacity ?? FIRST_CAPACITY));
    this.#mask = this.#slots.length - 1;
  }

  /** Number of revoked certificates. */
  get size(): number {
    return this.#records.length + this.#oversized.size;
  }

  /** Bytes held by the typed arrays. */
  get byteLength(): number {
    return this.#records.byteLength + this.#slots.byteLength;
  }

  /**
   * Adds a revocation, or replaces what is known of that certificate. True when the certificate was not in the index.
   * Throws a RangeError when the serial or the issuer is not hexadecimal.
   */
  set(revocation: Revocation): boolean {
    const issuer = this.#issuerNumber(revocation.issuerKeyHash);
    if (!readSerial(revocation.serialHex, this.#probe)) return this.#setOversized(revocation);
    const reason = REVOCATION_REASONS[revocation.reason];
    const tag = ((issuer << 4) | reason) >>> 0;
    const revokedAt = clamp(Math.floor(revocation.revokedAt / 1000), 0xffffffff);
    const lastDay = lastDayOf(revocation.notAfter);
    this.#firstDay = Math.min(this.#firstDay, lastDay);
    const slot = this.#findSlot(issuer);
    const found = this.#slots[slot] ?? 0;
    if (found !== 0) {
      this.#digestRecord(found - 1, 'remove');
      this.#records.update(found - 1, tag, revokedAt, lastDay);
      this.#digestRecord(found - 1, 'add');
      return false;
    }
    const record = this.#records.push(this.#probe, tag, revokedAt, lastDay);
    this.#slots[slot] = record + 1;
    this.#digestRecord(record, 'add');
    if (this.#records.length * 4 > this.#slots.length * 3) this.#resize(this.#slots.length * 2);
    return true;
  }

  /** Takes a certificate out of the index (a hold was released). True when it was in it. */
  delete(issuerKeyHash: string, serialHex: string): boolean {
    const issuer = this.#issuerNumbers.get(issuerKeyHash);
    if (issuer === undefined) return false;
    if (!readSerial(serialHex, this.#probe)) return this.#deleteOversized(issuerKeyHash, serialHex);
    const slot = this.#findSlot(issuer);
    const found = this.#slots[slot] ?? 0;
    if (found === 0) return false;
    this.#deleteRecord(found - 1, slot);
    return true;
  }

  /** Whether a certificate is revoked, and why; undefined when it is not in the index. */
  lookup(issuerKeyHash: string, serialHex: string): RevocationStatus | undefined {
    const issuer = this.#issuerNumbers.get(issuerKeyHash);
    if (issuer === undefined) return undefined;
    if (!readSerial(serialHex, this.#probe)) {
      const odd = this.#oversized.get(oversizedKey(issuerKeyHash, serialHex));
      return odd === undefined ? undefined : { reason: odd.reason, revokedAt: odd.revokedAt, notAfter: odd.notAfter };
    }
    const found = this.#slots[this.#findSlot(issuer)] ?? 0;
    return found === 0 ? undefined : this.#status(found - 1);
  }

  /** Whether a certificate is in the index. */
  has(issuerKeyHash: string, serialHex: string): boolean {
    const issuer = this.#issuerNumbers.get(issuerKeyHash);
    if (issuer === undefined) return false;
    if (!readSerial(serialHex, this.#probe)) return this.#oversized.has(oversizedKey(issuerKeyHash, serialHex));
    return this.#slots[this.#findSlot(issuer)] !== 0;
  }

  /**
   * Drops the certificates that ended a whole day or more before `now`: time refuses them. Two sides that purge with the same
   * `now` drop the same entries. Gives the number dropped.
   */
  purgeExpired(now: number): number {
    const today = dayOf(now);
    let dropped = 0;
    if (this.#firstDay >= today) return dropped;
    this.#firstDay = today;
    for (let record = this.#records.length - 1; record >= 0; record -= 1) {
      const lastDay = this.#records.lastDay(record);
      if (lastDay === UNKNOWN_DAY || lastDay >= today) continue;
      this.#records.readSerial(record, this.#probe);
      this.#deleteRecord(record, this.#findSlot(this.#records.tag(record) >>> 4));
      dropped += 1;
    }
    for (const odd of this.#oversized.values()) {
      if (odd.notAfter === undefined || lastDayOf(odd.notAfter) >= today) continue;
      this.#deleteOversized(odd.issuerKeyHash, odd.serialHex);
      dropped += 1;
    }
    return dropped;
  }

  /**
   * A digest of what is in the index (issuers, serials and reasons), the same whatever the order in which it was filled: the
   * authority and a gateway compare theirs.
   */
  digest(): string {
    return `${this.size}-${this.#digest.toString()}`;
  }

  /** Every entry, in no particular order; the index must not change meanwhile. */
  *entries(): Generator<Revocation> {
    const words = new Uint32Array(SERIAL_WORDS);
    for (let record = 0; record < this.#records.length; record += 1) {
      this.#records.readSerial(record, words);
      const issuerKeyHash = this.#issuers[this.#records.tag(record) >>> 4]?.keyHash ?? '';
      yield { issuerKeyHash, serialHex: writeSerial(words), ...this.#status(record) };
    }
    yield* this.#oversized.values();
  }

  #status(record: number): RevocationStatus {
    const lastDay = this.#records.lastDay(record);
    return {
      reason: revocationReason(this.#records.tag(record) & 0xf),
      revokedAt: this.#records.revokedAt(record) * 1000,
      notAfter: lastDay === UNKNOWN_DAY ? undefined : lastDay * DAY_MS - 1,
    };
  }

  #issuerNumber(keyHash: string): number {
    // Lists are by one issuer: to compare costs less than to hash what has just been read.
    if (keyHash === this.#lastKeyHash) return this.#lastNumber;
    const number = this.#issuerNumbers.get(keyHash) ?? this.#newIssuer(keyHash);
    this.#lastKeyHash = keyHash;
    this.#lastNumber = number;
    return number;
  }

  #newIssuer(keyHash: string): number {
    const lanes = issuerDigest(keyHash);
    const number = this.#issuers.length;
    if (number >= MAX_ISSUERS) throw new RangeError('too many issuers');
    this.#issuers.push({ keyHash, lanes });
    this.#issuerNumbers.set(keyHash, number);
    return number;
  }

  /** The slot of the serial in #probe: where it is, or the free one where it would go. */
  #findSlot(issuer: number): number {
    let slot = this.#hash(issuer) & this.#mask;
    for (;;) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0 || this.#records.matches(found - 1, this.#probe, issuer)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #hash(issuer: number, serial: Uint32Array = this.#probe): number {
    let hash = mixWord(this.#seed, issuer);
    for (let word = 0; word < SERIAL_WORDS; word += 1) hash = mixWord(hash, serial[word] ?? 0);
    return finishHash(hash);
  }

  #home(record: number): number {
    this.#records.readSerial(record, this.#scratch);
    return this.#hash(this.#records.tag(record) >>> 4, this.#scratch) & this.#mask;
  }

  #deleteRecord(record: number, slot: number): void {
    this.#digestRecord(record, 'remove');
    this.#freeSlot(slot);
    const last = this.#records.length - 1;
    if (record !== last) {
      let moved = this.#home(last);
      while (this.#slots[moved] !== last + 1) moved = (moved + 1) & this.#mask;
      this.#slots[moved] = record + 1;
    }
    this.#records.replaceByLast(record);
  }

  /** Knuth 6.4 R: closes the gap, so that no tombstones gather. */
  #freeSlot(slot: number): void {
    let gap = slot;
    let next = slot;
    for (;;) {
      next = (next + 1) & this.#mask;
      const found = this.#slots[next] ?? 0;
      if (found === 0) break;
      const distance = (next - this.#home(found - 1)) & this.#mask;
      if (distance < ((next - gap) & this.#mask)) continue;
      this.#slots[gap] = found;
      gap = next;
    }
    this.#slots[gap] = 0;
  }

  #resize(slots: number): void {
    this.#slots = new Uint32Array(slots);
    this.#mask = slots - 1;
    for (let record = 0; record < this.#records.length; record += 1) {
      let slot = this.#home(record);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = record + 1;
    }
  }

  #digestRecord(record: number, change: 'add' | 'remove'): void {
    const tag = this.#records.tag(record);
    const issuer = this.#issuers[tag >>> 4];
    if (issuer === undefined) return;
    this.#records.readSerial(record, this.#scratch);
    this.#digest[change](issuer.lanes, this.#scratch, tag & 0xf);
  }

  #setOversized(revocation: Revocation): boolean {
    this.#firstDay = Math.min(this.#firstDay, lastDayOf(revocation.notAfter));
    const key = oversizedKey(revocation.issuerKeyHash, revocation.serialHex);
    const known = this.#oversized.get(key);
    if (known !== undefined) this.#digestOversized(known, 'remove');
    this.#oversized.set(key, revocation);
    this.#digestOversized(revocation, 'add');
    return known === undefined;
  }

  #deleteOversized(issuerKeyHash: string, serialHex: string): boolean {
    const key = oversizedKey(issuerKeyHash, serialHex);
    const known = this.#oversized.get(key);
    if (known === undefined) return false;
    this.#digestOversized(known, 'remove');
    return this.#oversized.delete(key);
  }

  #digestOversized(revocation: Revocation, change: 'add' | 'remove'): void {
    const issuer = this.#issuers[this.#issuerNumber(revocation.issuerKeyHash)];
    if (issuer === undefined) return;
    digestBySerial(this.#digest, change, issuer.lanes, revocation.serialHex, REVOCATION_REASONS[revocation.reason]);
  }
}

function oversizedKey(issuerKeyHash: string, serialHex: string): string {
  return `${issuerKeyHash}:${serialHex.toLowerCase().replace(/^0+/, '')}`;
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}

function slotCount(capacity: number): number {
  let slots = FIRST_CAPACITY;
  while (capacity * 4 > slots * 3) slots *= 2;
  return slots;
}

/**
 * The records of the revocation index: numbered from 0 without holes, in pages of typed arrays, so that growing copies
 * nothing and a million of them take 30 MB.
 */

/** A serial number of up to 160 bits as five 32-bit words, the most significant first. */
export const SERIAL_WORDS = 5;

const PAGE_BITS = 12;
const PAGE_RECORDS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_RECORDS - 1;

interface Page {
  /** SERIAL_WORDS per record. */
  readonly serials: Uint32Array;
  /** Issuer number in the upper 28 bits, reason in the lower 4. */
  readonly tags: Uint32Array;
  /** Seconds since the epoch. */
  readonly revokedAt: Uint32Array;
  /** Days since the epoch, rounded up; 65535: not known. */
  readonly lastDay: Uint16Array;
}

export class RecordPages {
  readonly #pages: Page[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes held by the typed arrays. */
  get byteLength(): number {
    return this.#pages.length * PAGE_RECORDS * (SERIAL_WORDS * 4 + 4 + 4 + 2);
  }

  /** Adds a record and gives its number. */
  push(serial: Uint32Array, tag: number, revokedAt: number, lastDay: number): number {
    const record = this.#length;
    if ((record & PAGE_MASK) === 0 && record >>> PAGE_BITS === this.#pages.length) this.#pages.push(newPage());
    this.#length += 1;
    this.#page(record).serials.set(serial, (record & PAGE_MASK) * SERIAL_WORDS);
    this.update(record, tag, revokedAt, lastDay);
    return record;
  }

  update(record: number, tag: number, revokedAt: number, lastDay: number): void {
    const page = this.#page(record);
    const at = record & PAGE_MASK;
    page.tags[at] = tag;
    page.revokedAt[at] = revokedAt;
    page.lastDay[at] = lastDay;
  }

  /** Moves the last record into the place of `record` and drops the last: numbers stay without holes. */
  replaceByLast(record: number): void {
    const last = this.#length - 1;
    if (record !== last) {
      const from = this.#page(last);
      const to = this.#page(record);
      const fromAt = last & PAGE_MASK;
      const toAt = record & PAGE_MASK;
      const words = from.serials.subarray(fromAt * SERIAL_WORDS, (fromAt + 1) * SERIAL_WORDS);
      to.serials.set(words, toAt * SERIAL_WORDS);
      to.tags[toAt] = from.tags[fromAt] ?? 0;
      to.revokedAt[toAt] = from.revokedAt[fromAt] ?? 0;
      to.lastDay[toAt] = from.lastDay[fromAt] ?? 0;
    }
    this.#length = last;
    // One empty page is kept: a release and a revocation at a page's edge must not allocate each time.
    const needed = (last + PAGE_RECORDS - 1) >>> PAGE_BITS;
    if (this.#pages.length > needed + 1) this.#pages.pop();
  }

  /** Whether `record` is this serial of the issuer with this number. */
  matches(record: number, serial: Uint32Array, issuerNumber: number): boolean {
    const page = this.#page(record);
    const at = record & PAGE_MASK;
    if ((page.tags[at] ?? 0) >>> 4 !== issuerNumber) return false;
    const start = at * SERIAL_WORDS;
    for (let word = SERIAL_WORDS - 1; word >= 0; word -= 1) {
      if (page.serials[start + word] !== serial[word]) return false;
    }
    return true;
  }

  /** Copies the serial of `record` into `into`. */
  readSerial(record: number, into: Uint32Array): void {
    const start = (record & PAGE_MASK) * SERIAL_WORDS;
    into.set(this.#page(record).serials.subarray(start, start + SERIAL_WORDS));
  }

  tag(record: number): number {
    return this.#page(record).tags[record & PAGE_MASK] ?? 0;
  }

  revokedAt(record: number): number {
    return this.#page(record).revokedAt[record & PAGE_MASK] ?? 0;
  }

  lastDay(record: number): number {
    return this.#page(record).lastDay[record & PAGE_MASK] ?? 0;
  }

  #page(record: number): Page {
    const page = this.#pages[record >>> PAGE_BITS];
    if (page === undefined || record >= this.#length) throw new RangeError(`no record ${record}`);
    return page;
  }
}

function newPage(): Page {
  return {
    serials: new Uint32Array(PAGE_RECORDS * SERIAL_WORDS),
    tags: new Uint32Array(PAGE_RECORDS),
    revokedAt: new Uint32Array(PAGE_RECORDS),
    lastDay: new Uint16Array(PAGE_RECORDS),
  };
}

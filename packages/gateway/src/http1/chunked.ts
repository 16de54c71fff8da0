/** The chunked coding, RFC 9112 section 7.1, decoded strictly and in any fragmentation. */
import type { HttpLimits } from '../connection.ts';
import { CR, FIELD_CONTENT, HEX_VALUE, HTAB, LF, SEMICOLON, SP } from './octets.ts';
import { FAULT, MORE, SectionScanner } from './section.ts';

const SIZE = 0;
const BLANK = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILERS = 7;

/** 2^52: all sizes stay exact integers, and no chunk of that size ends. */
const MAXIMUM_CHUNK = 2 ** 52;
/** Leading zeros are legal and unbounded in the grammar. */
const MAXIMUM_DIGITS = 32;

export class ChunkedDecoder {
  /** The trailer section, once `read` has said that the body is complete. */
  readonly trailers: SectionScanner;
  fault = '';
  complete = false;

  readonly #extensionLimit: number;
  #phase = SIZE;
  #size = 0;
  #digits = 0;
  #extensionLength = 0;

  constructor(limits: HttpLimits) {
    this.trailers = new SectionScanner(limits, false);
    this.#extensionLimit = limits.chunkExtensions;
  }

  /** For the next message; only after a complete one. */
  restart(): void {
    this.complete = false;
    this.#phase = SIZE;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionLength = 0;
  }

  /** Decodes from `from`, gives data to `sink` as views of `bytes`, answers the offset behind what it took, or FAULT. */
  read(bytes: Buffer, from: number, sink: (data: Buffer) => void): number {
    let at = from;
    const end = bytes.length;
    while (at < end) {
      const octet = bytes[at] as number;
      switch (this.#phase) {
        case SIZE: {
          const digit = HEX_VALUE[octet] as number;
          if (digit !== 255) {
            this.#size = this.#size * 16 + digit;
            if (this.#size > MAXIMUM_CHUNK || ++this.#digits > MAXIMUM_DIGITS)
              return this.#refuse('a chunk size out of range');
            at++;
            break;
          }
          if (this.#digits === 0) return this.#refuse('a malformed chunk size');
          this.#phase = octet === CR ? SIZE_LF : BLANK;
          if (octet === CR) at++;
          break;
        }
        case BLANK:
          if (octet === SEMICOLON) this.#phase = EXTENSION;
          else if (octet !== SP && octet !== HTAB) return this.#refuse('a malformed chunk size');
          if (++this.#extensionLength > this.#extensionLimit) return this.#refuse('chunk extensions are too long');
          at++;
          break;
        case EXTENSION:
          if (octet === CR) this.#phase = SIZE_LF;
          else if (FIELD_CONTENT[octet] === 0) return this.#refuse('a control character in a chunk extension');
          if (++this.#extensionLength > this.#extensionLimit) return this.#refuse('chunk extensions are too long');
          at++;
          break;
        case SIZE_LF:
          if (octet !== LF) return this.#refuse('a bare CR behind a chunk size');
          this.#phase = this.#size === 0 ? TRAILERS : DATA;
          at++;
          break;
        case DATA: {
          const length = Math.min(this.#size, end - at);
          sink(bytes.subarray(at, at + length));
          at += length;
          this.#size -= length;
          if (this.#size === 0) this.#phase = DATA_CR;
          break;
        }
        case DATA_CR:
          if (octet !== CR) return this.#refuse('chunk data that is longer than its size');
          this.#phase = DATA_LF;
          at++;
          break;
        case DATA_LF:
          if (octet !== LF) return this.#refuse('a bare CR behind chunk data');
          this.#phase = SIZE;
          this.#digits = 0;
          at++;
          break;
        default: {
          const next = this.trailers.scan(bytes, at);
          if (next === FAULT) return this.#refuse(`trailers: ${this.trailers.fault}`);
          if (next === MORE) return end;
          this.complete = true;
          return next;
        }
      }
    }
    return at;
  }

  #refuse(fault: string): number {
    this.fault = fault;
    return FAULT;
  }
}

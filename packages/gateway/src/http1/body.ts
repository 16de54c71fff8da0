/** The length of a message body, RFC 9112 section 6.3, and a reader that follows it. */
import type { HttpLimits } from '../connection.ts';
import { ChunkedDecoder } from './chunked.ts';
import { FAULT, type SectionScanner } from './section.ts';

/** Framing of a body: a length in bytes, or one of the negative constants. */
export type Framing = number;
export const NO_BODY: Framing = -1;
export const CHUNKED: Framing = -2;
/** Until the connection closes; responses only. */
export const UNTIL_CLOSE: Framing = -3;

/** One reader serves all messages of a connection, one after the other. */
export class BodyReader {
  complete = true;
  fault = '';
  /** Body bytes of this message so far. */
  received = 0;

  readonly #limits: HttpLimits;
  readonly #bodyLimit: number;
  readonly #count: (data: Buffer) => void;
  #decoder: ChunkedDecoder | undefined;
  #framing: Framing = NO_BODY;
  #remaining = 0;

  constructor(limits: HttpLimits, sink: (data: Buffer) => void, bodyLimit = Infinity) {
    this.#limits = limits;
    this.#bodyLimit = bodyLimit;
    this.#count = (data) => {
      this.received += data.length;
      if (this.received <= this.#bodyLimit) sink(data);
    };
  }

  begin(framing: Framing): void {
    this.#framing = framing;
    this.received = 0;
    this.#remaining = framing > 0 ? framing : 0;
    this.complete = framing === NO_BODY || framing === 0;
    if (framing === CHUNKED) {
      this.#decoder ??= new ChunkedDecoder(this.#limits);
      this.#decoder.restart();
    }
  }

  /** Reads on at `from`; answers the offset behind the body's bytes, or FAULT. */
  read(bytes: Buffer, from: number): number {
    if (this.#framing === CHUNKED) {
      const decoder = this.#decoder as ChunkedDecoder;
      const next = decoder.read(bytes, from, this.#count);
      if (next === FAULT) return this.#refuse(decoder.fault);
      if (this.received > this.#bodyLimit) return this.#refuse('the body is too long');
      this.complete = decoder.complete;
      return next;
    }
    const length = this.#framing === UNTIL_CLOSE ? bytes.length - from : Math.min(this.#remaining, bytes.length - from);
    this.#count(length === bytes.length ? bytes : bytes.subarray(from, from + length));
    if (this.received > this.#bodyLimit) return this.#refuse('the body is too long');
    if (this.#framing !== UNTIL_CLOSE) {
      this.#remaining -= length;
      this.complete = this.#remaining === 0;
    }
    return from + length;
  }

  /** The connection has ended: whether the body is whole thereby. */
  close(): boolean {
    if (this.#framing === UNTIL_CLOSE) this.complete = true;
    return this.complete;
  }

  /** The trailer section of a complete chunked body. */
  get trailers(): SectionScanner | undefined {
    return this.#framing === CHUNKED ? this.#decoder?.trailers : undefined;
  }

  #refuse(fault: string): number {
    this.fault = fault;
    return FAULT;
  }
}

/**
 * `Content-Length`, RFC 9110 section 8.6: digits only, one value; undefined where it is anything else.
 *
 * @example parseLength('12') // 12
 */
export function parseLength(value: string): number | undefined {
  return /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
}

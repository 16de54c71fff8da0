/**
 * A start line and a field section, or a trailer section, read octet by octet as RFC 9112 sections 2.2, 3, 5 and 7.1.2 allow:
 * every line ends in CRLF, no bare CR or LF, no line folding, no white space before a colon, no control characters.
 * Bytes may come in any fragmentation; each is looked at once.
 */
import type { HttpLimits } from '../connection.ts';
import { COLON, CR, FIELD_CONTENT, HTAB, LF, SP, TOKEN } from './octets.ts';

/** More bytes are needed. */
export const MORE = -1;
/** The section is malformed; {@link SectionScanner.fault} says how. */
export const FAULT = -2;

const LINE_START = 0;
const START_LINE = 1;
const START_LF = 2;
const NAME = 3;
const VALUE = 4;
const VALUE_LF = 5;
const END_LF = 6;

type SectionLimits = Pick<HttpLimits, 'requestLine' | 'fieldLine' | 'fieldSection' | 'fieldCount'>;

/** One scanner serves all messages of a connection, one after the other; its result stands until the next `scan`. */
export class SectionScanner {
  /** The section as latin1 text; offsets below refer to it. */
  text = '';
  /** End of the start line, without its CRLF. */
  startLineEnd = 0;
  /** Field lines. */
  count = 0;
  /** Why {@link scan} answered FAULT. */
  fault = '';

  readonly #limits: SectionLimits;
  readonly #hasStartLine: boolean;
  readonly #opening: Buffer;
  /** Three numbers a field: start of the name, the colon, end of the line without CRLF. */
  readonly #offsets: number[] = [];
  #held: Buffer | undefined;
  #heldLength = 0;
  #phase = LINE_START;
  #at = 0;
  #lineStart = 0;
  #colon = 0;
  #startLineSeen = false;

  /** @param opening what the start line must begin with: a peer that speaks another protocol is seen at its first line */
  constructor(limits: SectionLimits, hasStartLine: boolean, opening = '') {
    this.#opening = Buffer.from(opening, 'latin1');
    this.#limits = limits;
    this.#hasStartLine = hasStartLine;
    this.#startLineSeen = !hasStartLine;
  }

  /** True while a section has begun and is not complete. */
  get begun(): boolean {
    return this.#at > 0;
  }

  /** Reads on at `from`; answers the offset in `chunk` behind the section, MORE, or FAULT. */
  scan(chunk: Buffer, from: number): number {
    const before = this.#heldLength;
    if (before === 0) {
      const base = from;
      const consumed = this.#walk(chunk, base, chunk.length - base);
      if (consumed >= 0) {
        this.text = chunk.toString('latin1', base, base + consumed);
        this.#restart();
        return base + consumed;
      }
      if (consumed === MORE) this.#hold(chunk, from);
      return consumed;
    }
    this.#hold(chunk, from);
    const consumed = this.#walk(this.#held as Buffer, 0, this.#heldLength);
    if (consumed < 0) return consumed;
    this.text = (this.#held as Buffer).toString('latin1', 0, consumed);
    this.#restart();
    return from + consumed - before;
  }

  /** Name of field `index`, as it was written. */
  name(index: number): string {
    return this.text.slice(this.#offsets[index * 3], this.#offsets[index * 3 + 1]);
  }

  /** Value of field `index`, without white space around it. */
  value(index: number): string {
    const text = this.text;
    let start = (this.#offsets[index * 3 + 1] as number) + 1;
    let end = this.#offsets[index * 3 + 2] as number;
    while (start < end && isBlank(text.charCodeAt(start))) start++;
    while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
    return text.slice(start, end);
  }

  /** Start of the line of field `index` in {@link text}. */
  lineStart(index: number): number {
    return this.#offsets[index * 3] as number;
  }

  /** End of the line of field `index`, with its CRLF. */
  lineEnd(index: number): number {
    return (this.#offsets[index * 3 + 2] as number) + 2;
  }

  #restart(): void {
    this.#heldLength = 0;
    if (this.#held !== undefined && this.#held.length > 4096) this.#held = undefined;
    this.#phase = LINE_START;
    this.#at = 0;
    this.#lineStart = 0;
    this.#startLineSeen = !this.#hasStartLine;
  }

  #hold(chunk: Buffer, from: number): void {
    const room = this.#limits.fieldSection + this.#limits.requestLine + 4;
    const length = Math.min(chunk.length - from, room - this.#heldLength);
    const needed = this.#heldLength + length;
    if (this.#held === undefined || this.#held.length < needed) {
      const grown = Buffer.allocUnsafe(Math.max(1024, 2 ** Math.ceil(Math.log2(needed + 1))));
      this.#held?.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#heldLength, from, from + length);
    this.#heldLength = needed;
  }

  #refuse(fault: string): number {
    this.fault = fault;
    return FAULT;
  }

  /** Octets are at `bytes[base + offset]`; answers the length of the complete section. */
  #walk(bytes: Buffer, base: number, end: number): number {
    const limits = this.#limits;
    let at = this.#at;
    let phase = this.#phase;
    if (at === 0) this.count = 0;
    while (at < end) {
      let octet = bytes[base + at] as number;
      switch (phase) {
        case LINE_START:
          this.#lineStart = at;
          if (octet === CR) {
            if (!this.#startLineSeen) return this.#refuse('an empty line instead of the start line');
            phase = END_LF;
            at++;
          } else if (this.#startLineSeen) {
            if (octet === SP || octet === HTAB) return this.#refuse('a folded field line');
            if (this.count >= limits.fieldCount) return this.#refuse('too many fields');
            phase = NAME;
          } else {
            phase = START_LINE;
          }
          break;
        case START_LINE:
          while (FIELD_CONTENT[octet] === 1 && ++at < end) octet = bytes[base + at] as number;
          if (at - this.#lineStart > limits.requestLine) return this.#refuse('the start line is too long');
          if (at === end) break;
          if (octet !== CR)
            return this.#refuse(
              octet === LF ? 'a line that ends in a bare LF' : 'a control character in the start line',
            );
          if (!this.#opens(bytes, base, at)) return this.#refuse('another protocol');
          this.startLineEnd = at;
          this.#startLineSeen = true;
          phase = START_LF;
          at++;
          break;
        case NAME:
          while (TOKEN[octet] === 1 && ++at < end) octet = bytes[base + at] as number;
          if (at - this.#lineStart > limits.fieldLine) return this.#refuse('a field line is too long');
          if (at === end) break;
          if (octet !== COLON || at === this.#lineStart) return this.#refuse('a malformed field name');
          this.#colon = at;
          phase = VALUE;
          at++;
          break;
        case VALUE:
          while (FIELD_CONTENT[octet] === 1 && ++at < end) octet = bytes[base + at] as number;
          if (at - this.#lineStart > limits.fieldLine) return this.#refuse('a field line is too long');
          if (at === end) break;
          if (octet !== CR)
            return this.#refuse(
              octet === LF ? 'a line that ends in a bare LF' : 'a control character in a field value',
            );
          this.#record(at);
          phase = VALUE_LF;
          at++;
          break;
        default:
          if (octet !== LF) return this.#refuse('a bare CR');
          at++;
          if (phase === END_LF) return this.#fits(at) ? at : this.#refuse('the field section is too long');
          phase = LINE_START;
      }
    }
    this.#at = at;
    this.#phase = phase;
    return this.#fits(at) ? MORE : this.#refuse('the field section is too long');
  }

  #fits(length: number): boolean {
    const startLine = this.#hasStartLine && this.#startLineSeen ? this.startLineEnd : 0;
    const inStartLine = this.#hasStartLine && !this.#startLineSeen;
    return inStartLine || length - startLine <= this.#limits.fieldSection;
  }

  #opens(bytes: Buffer, start: number, length: number): boolean {
    const opening = this.#opening;
    if (opening.length === 0) return true;
    return length >= opening.length && opening.compare(bytes, start, start + opening.length) === 0;
  }

  #record(lineEnd: number): void {
    const at = this.count * 3;
    this.#offsets[at] = this.#lineStart;
    this.#offsets[at + 1] = this.#colon;
    this.#offsets[at + 2] = lineEnd;
    this.count++;
  }
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

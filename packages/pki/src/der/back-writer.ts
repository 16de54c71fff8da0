import { PkiError } from '../errors.ts';
import { writeHex } from './octets.ts';
import { encodeUtf8 } from './strings.ts';
import { TAG } from './tags.ts';
import { lengthOctets } from './writer.ts';
import { MAX_TIME_OCTETS, writeTime } from './time.ts';

/** Below this a loop copies faster than a call of `set`. */
const SHORT = 48;
/** Octets of a buffer: some twenty certificates. Whoever keeps one of its views keeps the buffer. */
const BUFFER_OCTETS = 16_384;
/** With less room than this a new buffer is begun rather than an encoding moved halfway. */
const ENOUGH_OCTETS = 1024;

/**
 * Writes an encoding from its end to its start, so that every length is known when its header is written, in one buffer
 * that is given away piece by piece: nothing is copied, and there is one allocation for many encodings. For what is built
 * thousands of times a second; elsewhere the functions of `writer.ts` read better.
 *
 * @example
 * writer.reset();
 * const end = writer.length;
 * writer.put(last);
 * writer.put(first);
 * writer.close(TAG.SEQUENCE, end);
 * writer.result();
 */
export class BackWriter {
  private out: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_OCTETS);
  /** All from here on was given away. */
  private top = BUFFER_OCTETS;
  /** Octets that are kept free behind the encoding. */
  private back = 0;
  private end = BUFFER_OCTETS;
  private at = BUFFER_OCTETS;
  private readonly scratch = new Uint8Array(MAX_TIME_OCTETS);

  /** Begins a new encoding, with room for `back` more octets behind it. */
  reset(back = 0): void {
    if (this.top < back + ENOUGH_OCTETS) {
      this.out = new Uint8Array(Math.max(BUFFER_OCTETS, back + ENOUGH_OCTETS));
      this.top = this.out.length;
    }
    this.back = back;
    this.end = this.at = this.top - back;
  }

  /** Octets written so far: to be handed to {@link close} later. */
  get length(): number {
    return this.end - this.at;
  }

  private room(octets: number): void {
    if (this.at >= octets) return;
    const { length } = this;
    const larger = new Uint8Array(Math.max(BUFFER_OCTETS, 2 * length + octets + this.back));
    this.top = larger.length;
    const end = larger.length - this.back;
    larger.set(this.out.subarray(this.at, this.end), end - length);
    this.out = larger;
    this.end = end;
    this.at = end - length;
  }

  /** Puts octets before what is there. */
  put(octets: Uint8Array): void {
    const { length } = octets;
    this.room(length);
    const { out } = this;
    const start = this.at - length;
    if (length < SHORT) for (let i = 0; i < length; i++) out[start + i] = octets[i] as number;
    else out.set(octets, start);
    this.at = start;
  }

  /**
   * Puts a text of characters below U+0080 before what is there.
   *
   * @throws PkiError `argument`
   */
  putAscii(text: string): void {
    if (!this.tryAscii(text)) throw new PkiError('argument', 'not ASCII');
  }

  /**
   * Puts a text in UTF-8 before what is there.
   *
   * @throws PkiError `argument` for a lone surrogate
   */
  putUtf8(text: string): void {
    if (!this.tryAscii(text)) this.put(encodeUtf8(text));
  }

  private tryAscii(text: string): boolean {
    const { length } = text;
    this.room(length);
    const { out } = this;
    const start = this.at - length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      out[start + i] = code;
    }
    this.at = start;
    return true;
  }

  /** Puts one octet before what is there. */
  putOctet(octet: number): void {
    this.room(1);
    this.out[--this.at] = octet;
  }

  /** Puts a time before what is there: see `writeTime`. */
  putTime(milliseconds: number): void {
    const length = writeTime(this.scratch, 0, milliseconds);
    this.room(length);
    const { out, scratch } = this;
    const start = this.at - length;
    for (let i = 0; i < length; i++) out[start + i] = scratch[i] as number;
    this.at = start;
  }

  /**
   * Puts the octets of a hexadecimal text before what is there.
   *
   * @throws PkiError `argument`
   */
  putHex(text: string): void {
    const octets = (text.length + 1) >> 1;
    this.room(octets);
    writeHex(this.out, this.at - octets, text);
    this.at -= octets;
  }

  /**
   * Makes the unsigned magnitude that was written since `since` an INTEGER: leading zeros dropped, one put before a high bit.
   *
   * @returns the octets of the magnitude: none for zero
   */
  closeUnsigned(since: number): number {
    const end = this.end - since;
    while (this.at < end && this.out[this.at] === 0) this.at++;
    const octets = end - this.at;
    if (octets === 0 || (this.out[this.at] as number) >= 0x80) this.putOctet(0);
    this.close(TAG.INTEGER, since);
    return octets;
  }

  /** Puts tag and length before all that was written since `since`. */
  close(tag: number, since: number): void {
    const length = this.length - since;
    const octets = lengthOctets(length);
    this.room(1 + octets);
    const { out } = this;
    if (octets === 1) {
      out[--this.at] = length;
    } else {
      for (let rest = length, i = 1; i < octets; i++, rest >>>= 8) out[--this.at] = rest & 0xff;
      out[--this.at] = 0x80 | (octets - 1);
    }
    out[--this.at] = tag;
  }

  /** What was written: a view on the buffer, of which these octets are not used again. */
  result(): Uint8Array {
    const start = this.take(0);
    return new Uint8Array(this.out.buffer, start, this.end - start);
  }

  /** The buffer that is written into, until a new one is begun. */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.out;
  }

  /**
   * Gives away what was written, with `front` octets of room before it and those behind it that {@link reset} was asked for: they
   * are not used again, and the caller may write there.
   *
   * @returns the offset in {@link buffer} at which the encoding starts
   */
  take(front: number): number {
    this.room(front);
    this.top = this.at - front;
    return this.at;
  }
}

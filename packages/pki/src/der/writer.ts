import { PkiError } from '../errors.ts';
import { compareOctets, concatOctets } from './octets.ts';
import { oidFromText } from './oid.ts';
import { encodeUtf8 } from './strings.ts';
import { contextConstructed, TAG } from './tags.ts';
import { MAX_TIME_OCTETS, writeTime } from './time.ts';

/** Octets that a definite length takes (X.690 section 10.1). */
export function lengthOctets(length: number): number {
  return length < 0x80 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : length < 0x1000000 ? 4 : 5;
}

/** Writes tag and length at `at`; returns the offset behind them. */
export function writeHeader(out: Uint8Array, at: number, tag: number, length: number): number {
  out[at++] = tag;
  if (length < 0x80) {
    out[at++] = length;
    return at;
  }
  const count = lengthOctets(length) - 1;
  out[at++] = 0x80 | count;
  for (let shift = 8 * (count - 1); shift >= 0; shift -= 8) out[at++] = (length >>> shift) & 0xff;
  return at;
}

/** An element of this tag with this content. */
export function element(tag: number, content: Uint8Array): Uint8Array {
  const length = content.length;
  const out = new Uint8Array(1 + lengthOctets(length) + length);
  out.set(content, writeHeader(out, 0, tag, length));
  return out;
}

/** A constructed element of these parts, each a whole encoding; `undefined` parts are left out. */
export function constructed(tag: number, parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  let length = 0;
  for (const part of parts) if (part !== undefined) length += part.length;
  const out = new Uint8Array(1 + lengthOctets(length) + length);
  let at = writeHeader(out, 0, tag, length);
  for (const part of parts) {
    if (part === undefined) continue;
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** SEQUENCE of whole encodings; `undefined` parts are left out. */
export function sequence(...parts: readonly (Uint8Array | undefined)[]): Uint8Array {
  return constructed(TAG.SEQUENCE, parts);
}

/** SET OF: the encodings are put into ascending order (X.690 section 11.6). */
export function setOf(parts: readonly Uint8Array[], tag: number = TAG.SET): Uint8Array {
  return constructed(tag, parts.length < 2 ? parts : parts.toSorted(compareOctets));
}

/** `[n] EXPLICIT`. */
export function explicit(n: number, inner: Uint8Array): Uint8Array {
  return element(contextConstructed(n), inner);
}

/** `[n] IMPLICIT` of a whole encoding: the tag is replaced, primitive or constructed as it was. */
export function implicit(n: number, inner: Uint8Array): Uint8Array {
  const out = inner.slice();
  out[0] = 0x80 | ((inner[0] ?? 0) & 0x20) | n;
  return out;
}

const TRUE = Uint8Array.of(TAG.BOOLEAN, 1, 0xff);
const FALSE = Uint8Array.of(TAG.BOOLEAN, 1, 0);
const NULL = Uint8Array.of(TAG.NULL, 0);

/** Encodes a BOOLEAN. */
export function boolean(value: boolean): Uint8Array {
  return value ? TRUE : FALSE;
}

/** NULL. */
export function nullValue(): Uint8Array {
  return NULL;
}

/**
 * INTEGER of a number or bigint, two's complement in the shortest form.
 *
 * @throws PkiError `argument` for a number that is not a safe integer
 */
export function integer(value: number | bigint, tag: number = TAG.INTEGER): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new PkiError('argument', 'not an integer');
  const octets: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const octet = Number(rest & 0xffn);
    octets.push(octet);
    rest >>= 8n;
    if ((rest === 0n && octet < 0x80) || (rest === -1n && octet >= 0x80)) break;
  }
  return element(tag, Uint8Array.from(octets.toReversed()));
}

/** INTEGER of an unsigned big-endian magnitude: leading zeros are dropped, one is put before a high bit. */
export function unsignedInteger(magnitude: Uint8Array, tag: number = TAG.INTEGER): Uint8Array {
  let from = 0;
  while (from < magnitude.length - 1 && magnitude[from] === 0) from++;
  const pad = magnitude.length === 0 || (magnitude[from] as number) >= 0x80 ? 1 : 0;
  const content = new Uint8Array(magnitude.length - from + pad);
  content.set(magnitude.subarray(from), pad);
  return element(tag, content);
}

/** ENUMERATED. */
export function enumerated(value: number): Uint8Array {
  return integer(value, TAG.ENUMERATED);
}

const oidElements = new Map<string, Uint8Array>();
const MAX_CACHED = 512;

/**
 * OBJECT IDENTIFIER of a dotted text. The result is shared: do not change it.
 *
 * @throws PkiError `der_oid`
 */
export function oid(text: string): Uint8Array {
  const known = oidElements.get(text);
  if (known !== undefined) return known;
  const encoded = element(TAG.OID, oidFromText(text));
  if (oidElements.size < MAX_CACHED) oidElements.set(text, encoded);
  return encoded;
}

/** Encodes an OCTET STRING. */
export function octetString(content: Uint8Array): Uint8Array {
  return element(TAG.OCTET_STRING, content);
}

/** BIT STRING of whole octets, or with `unusedBits` of padding (which must be zero already). */
export function bitString(octets: Uint8Array, unusedBits = 0): Uint8Array {
  const content = new Uint8Array(octets.length + 1);
  content[0] = unusedBits;
  content.set(octets, 1);
  return element(TAG.BIT_STRING, content);
}

/** BIT STRING of named bits from a mask (bit 0 is 1, bit 1 is 2, …), without trailing zero bits (X.690 section 11.2.2). */
export function namedBits(mask: number, tag: number = TAG.BIT_STRING): Uint8Array {
  const octets: number[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if ((mask & (1 << bit)) === 0) continue;
    const index = bit >> 3;
    while (octets.length <= index) octets.push(0);
    octets[index] = (octets[index] as number) | (0x80 >> (bit & 7));
  }
  const last = octets.at(-1);
  const unused = last === undefined ? 0 : 31 - Math.clz32(last & -last);
  return element(tag, Uint8Array.of(unused, ...octets));
}

/**
 * UTF8String.
 *
 * @throws PkiError `argument` for a lone surrogate
 */
export function utf8String(text: string, tag: number = TAG.UTF8_STRING): Uint8Array {
  return element(tag, encodeUtf8(text));
}

/** Characters below U+0080 under any tag (IA5String, PrintableString, implicit ones). */
export function asciiString(tag: number, text: string): Uint8Array {
  return element(tag, asciiOctets(text));
}

/**
 * Octets of a text of characters below U+0080.
 *
 * @throws PkiError `argument`
 */
export function asciiOctets(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) throw new PkiError('argument', 'not ASCII');
    out[i] = code;
  }
  return out;
}

/** UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 asks for it; milliseconds since the epoch, cut to seconds. */
export function time(milliseconds: number): Uint8Array {
  const out = new Uint8Array(MAX_TIME_OCTETS);
  return out.subarray(0, writeTime(out, 0, milliseconds));
}

/** GeneralizedTime of any year. */
export function generalizedTime(milliseconds: number, tag: number = TAG.GENERALIZED_TIME): Uint8Array {
  const out = new Uint8Array(MAX_TIME_OCTETS);
  writeTime(out, 0, milliseconds, true);
  out[0] = tag;
  return out;
}

/** Whole encodings one after the other. */
export const concatDer = concatOctets;

import { PkiError } from '../errors.ts';
import { TAG } from './tags.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Encoder = new TextEncoder();

/** Characters of PrintableString (X.680 section 41.4), and `*` and `&`, which public CAs have put there for decades. */
const PRINTABLE: Uint8Array = (() => {
  const table = new Uint8Array(256);
  for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?*&") {
    table[character.charCodeAt(0)] = 1;
  }
  return table;
})();

/** Whether the tag is one of the character string types that `decodeString` reads. */
export function isStringTag(tag: number): boolean {
  switch (tag) {
    case TAG.UTF8_STRING:
    case TAG.NUMERIC_STRING:
    case TAG.PRINTABLE_STRING:
    case TAG.TELETEX_STRING:
    case TAG.IA5_STRING:
    case TAG.VISIBLE_STRING:
    case TAG.UNIVERSAL_STRING:
    case TAG.BMP_STRING:
      return true;
    default:
      return false;
  }
}

/**
 * Checks the content octets of a character string against its type.
 *
 * @throws PkiError `der_string`
 */
export function checkString(bytes: Uint8Array, tag: number, from: number, to: number): void {
  switch (tag) {
    case TAG.PRINTABLE_STRING:
      for (let i = from; i < to; i++) {
        if (PRINTABLE[bytes[i] as number] === 0) throw new PkiError('der_string', 'PrintableString', i);
      }
      return;
    case TAG.UTF8_STRING:
      for (let i = from; i < to; i++) {
        if ((bytes[i] as number) >= 0x80) {
          decodeUtf8(bytes, i, to);
          return;
        }
      }
      return;
    case TAG.IA5_STRING:
      for (let i = from; i < to; i++) {
        if ((bytes[i] as number) >= 0x80) throw new PkiError('der_string', 'IA5String', i);
      }
      return;
    case TAG.VISIBLE_STRING:
      for (let i = from; i < to; i++) {
        const octet = bytes[i] as number;
        if (octet < 0x20 || octet > 0x7e) throw new PkiError('der_string', 'VisibleString', i);
      }
      return;
    case TAG.NUMERIC_STRING:
      for (let i = from; i < to; i++) {
        const octet = bytes[i] as number;
        if (octet !== 0x20 && (octet < 0x30 || octet > 0x39)) throw new PkiError('der_string', 'NumericString', i);
      }
      return;
    case TAG.TELETEX_STRING:
      return;
    case TAG.BMP_STRING:
      checkBmp(bytes, from, to);
      return;
    case TAG.UNIVERSAL_STRING:
      checkUniversal(bytes, from, to);
      return;
    default:
      throw new PkiError('der_string', 'not a character string', from);
  }
}

function checkBmp(bytes: Uint8Array, from: number, to: number): void {
  if ((to - from) % 2 !== 0) throw new PkiError('der_string', 'BMPString of odd length', from);
  for (let i = from; i < to; i += 2) {
    const high = bytes[i] as number;
    if (high >= 0xd8 && high <= 0xdf) throw new PkiError('der_string', 'BMPString with a surrogate', i);
  }
}

function checkUniversal(bytes: Uint8Array, from: number, to: number): void {
  if ((to - from) % 4 !== 0) throw new PkiError('der_string', 'UniversalString of odd length', from);
  for (let i = from; i < to; i += 4) {
    const point = codePoint(bytes, i);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
      throw new PkiError('der_string', 'UniversalString', i);
    }
  }
}

function codePoint(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 0x1000000 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  );
}

/**
 * Text of the content octets of a character string. TeletexString is read as ISO 8859-1, as everybody does.
 * A NUL stays in the text: nothing here ends at it.
 *
 * @throws PkiError `der_string`
 */
export function decodeString(bytes: Uint8Array, tag: number, from: number, to: number): string {
  checkString(bytes, tag, from, to);
  switch (tag) {
    case TAG.UTF8_STRING:
      return decodeUtf8(bytes, from, to);
    case TAG.BMP_STRING: {
      let text = '';
      for (let i = from; i < to; i += 2) {
        text += String.fromCharCode(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
      }
      return text;
    }
    case TAG.UNIVERSAL_STRING: {
      let text = '';
      for (let i = from; i < to; i += 4) text += String.fromCodePoint(codePoint(bytes, i));
      return text;
    }
    default:
      return decodeLatin1(bytes, from, to);
  }
}

/** One character for each octet. */
export function decodeLatin1(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

/**
 * Text of well-formed UTF-8; overlong forms and surrogates are refused.
 *
 * @throws PkiError `der_string`
 */
export function decodeUtf8(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const octet = bytes[i] as number;
    if (octet >= 0x80) {
      try {
        return text + utf8.decode(bytes.subarray(i, to));
      } catch {
        throw new PkiError('der_string', 'UTF-8', i);
      }
    }
    text += String.fromCharCode(octet);
  }
  return text;
}

/**
 * UTF-8 octets of a text.
 *
 * @throws PkiError `argument` for a lone surrogate
 */
export function encodeUtf8(text: string): Uint8Array {
  const { length } = text;
  const ascii = new Uint8Array(length);
  let i = 0;
  for (; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) break;
    ascii[i] = code;
  }
  if (i === length) return ascii;
  if (!text.isWellFormed()) throw new PkiError('argument', 'the text holds a lone surrogate');
  return utf8Encoder.encode(text);
}

/** Whether every character of the text may stand in a PrintableString, strictly as X.680 lists them. */
export function isPrintable(text: string): boolean {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text);
}

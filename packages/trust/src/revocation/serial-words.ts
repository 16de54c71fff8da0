import { SERIAL_WORDS } from './record-pages.ts';

const MAX_DIGITS = SERIAL_WORDS * 8;
const NO_DIGIT = -1;

/** The value of each character that is a digit, by its code: a look costs a third of comparing. */
const digits = Int8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? NO_DIGIT : value;
});

/**
 * A serial number as people write it (any case, with or without colons, leading zeros) in the form that everything here
 * compares: lower-case hex of the magnitude, whole bytes, no leading `00`. Undefined when it is not hexadecimal.
 *
 * @example normaliseSerial('0A:FF') // '0aff'
 */
export function normaliseSerial(text: string): string | undefined {
  const bare = text.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]+$/.test(bare)) return undefined;
  const digits = bare.replace(/^0+/, '');
  if (digits === '') return '00';
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/**
 * Reads a serial's magnitude into five words, the least significant last. False when it has more than 160 bits (RFC 5280
 * section 4.1.2.2 allows 20 octets; others exist in the wild). Throws on what is not hexadecimal: serials come from a parser.
 */
export function readSerial(serialHex: string, into: Uint32Array): boolean {
  let start = 0;
  while (start < serialHex.length - 1 && serialHex.charCodeAt(start) === 0x30) start += 1;
  if (serialHex.length - start > MAX_DIGITS) return false;
  let word = SERIAL_WORDS - 1;
  // Negative as soon as one digit is none.
  let wrong = 0;
  for (let end = serialHex.length; end > start; end -= 8) {
    let value = 0;
    for (let index = Math.max(end - 8, start); index < end; index += 1) {
      const digit = digits[serialHex.charCodeAt(index)] ?? NO_DIGIT;
      wrong |= digit;
      value = (value << 4) | digit;
    }
    into[word] = value;
    word -= 1;
  }
  if (wrong < 0) throw new RangeError('a serial number must be hexadecimal');
  for (; word >= 0; word -= 1) into[word] = 0;
  return true;
}

/** The hex form of {@link readSerial}'s words, as {@link normaliseSerial} would write it. */
export function writeSerial(words: Uint32Array): string {
  let text = '';
  for (const word of words) text += word.toString(16).padStart(8, '0');
  return normaliseSerial(text) ?? '00';
}

import { SERIAL_WORDS } from './record-pages.ts';

const MAX_DIGITS = SERIAL_WORDS * 8;

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
  into.fill(0);
  let word = SERIAL_WORDS - 1;
  for (let end = serialHex.length; end > start; end -= 8) {
    let value = 0;
    for (let index = Math.max(end - 8, start); index < end; index += 1) {
      value = (value << 4) | hexDigit(serialHex.charCodeAt(index));
    }
    into[word] = value;
    word -= 1;
  }
  return true;
}

/** The hex form of {@link readSerial}'s words, as {@link normaliseSerial} would write it. */
export function writeSerial(words: Uint32Array): string {
  let text = '';
  for (const word of words) text += word.toString(16).padStart(8, '0');
  return normaliseSerial(text) ?? '00';
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  throw new RangeError('a serial number must be hexadecimal');
}

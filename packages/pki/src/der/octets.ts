import { PkiError } from '../errors.ts';

/**
 * A plain view of the same memory: a Buffer's methods differ from those of Uint8Array (`slice` shares memory), and
 * one hidden class keeps the readers fast.
 */
export function plainView(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether two octet strings are equal. Not for secrets: the time taken depends on the content. */
export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  const length = a.length;
  if (length !== b.length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two ranges are equal octet by octet. */
export function equalRanges(
  a: Uint8Array,
  aFrom: number,
  aTo: number,
  b: Uint8Array,
  bFrom: number,
  bTo: number,
): boolean {
  if (aTo - aFrom !== bTo - bFrom) return false;
  for (let i = aFrom, j = bFrom; i < aTo; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}

/** Order of a SET OF (X.690 section 11.6): octet by octet, the shorter one first. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The octet strings one after the other, in a new array. */
export function concatOctets(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal of a range. */
export function toHex(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = '';
  for (let i = from; i < to; i++) text += HEX[bytes[i] ?? 0];
  return text;
}

/**
 * Octets of a hexadecimal text (any case, an even number of digits, nothing else).
 *
 * @throws PkiError `argument`
 */
export function fromHex(text: string): Uint8Array {
  const out = new Uint8Array(text.length >> 1);
  if (text.length % 2 !== 0) throw new PkiError('argument', 'not hexadecimal');
  writeHex(out, 0, text);
  return out;
}

/**
 * Writes the octets of a hexadecimal text, of its digits from `from` on, at `at`; of an odd number of digits the first is an octet of its own.
 *
 * @throws PkiError `argument`
 */
export function writeHex(out: Uint8Array, at: number, text: string, from = 0): void {
  let i = from;
  if ((text.length - from) % 2 === 1) out[at++] = nibble(text, i++);
  for (; i < text.length; i += 2) out[at++] = (nibble(text, i) << 4) | nibble(text, i + 1);
}

function nibble(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  // Bit 5 tells the cases of a letter apart.
  const letter = code | 0x20;
  if (letter < 0x61 || letter > 0x66) throw new PkiError('argument', 'not hexadecimal');
  return letter - 0x57;
}

/** Order of two ranges of one array, as {@link compareOctets}. */
export function compareRanges(bytes: Uint8Array, aFrom: number, aTo: number, bFrom: number, bTo: number): number {
  const length = Math.min(aTo - aFrom, bTo - bFrom);
  for (let i = 0; i < length; i++) {
    const difference = (bytes[aFrom + i] as number) - (bytes[bFrom + i] as number);
    if (difference !== 0) return difference;
  }
  return aTo - aFrom - (bTo - bFrom);
}

/** Overwrites secrets that are not needed any more. What an engine has copied meanwhile is out of reach. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

import { PkiError } from '../errors.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES: Uint8Array = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const PAD = 0x3d;
const ascii = new TextDecoder();
const VALUE: Int8Array = (() => {
  const table = new Int8Array(256).fill(-1);
  for (let i = 0; i < 64; i++) table[ALPHABET.charCodeAt(i)] = i;
  return table;
})();

/** Base64 with padding (RFC 4648 section 4), without line breaks. */
export function encodeBase64(bytes: Uint8Array): string {
  // A string that grows by characters would leave thirty times its own size to be collected.
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  const code = (sextet: number): number => CODES[sextet & 63] as number;
  for (let i = 0, at = 0; i < bytes.length; i += 3) {
    const rest = bytes.length - i;
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text[at++] = code(bits >> 18);
    text[at++] = code(bits >> 12);
    text[at++] = rest > 1 ? code(bits >> 6) : PAD;
    text[at++] = rest > 2 ? code(bits) : PAD;
  }
  return ascii.decode(text);
}

/**
 * Octets of base64 text (RFC 4648 section 4): padding must be there, its bits zero, nothing else but the alphabet.
 *
 * @throws PkiError `pem_malformed`
 */
export function decodeBase64(text: string): Uint8Array {
  const { length } = text;
  if (length % 4 !== 0) throw new PkiError('pem_malformed', 'base64 of a length that is no multiple of four');
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const out = new Uint8Array((length / 4) * 3 - padding);
  let at = 0;
  for (let i = 0; i < length; i += 4) {
    const last = i + 4 === length;
    const a = sextet(text, i);
    const b = sextet(text, i + 1);
    const c = last && padding === 2 ? 0 : sextet(text, i + 2);
    const d = last && padding >= 1 ? 0 : sextet(text, i + 3);
    if (last && ((padding === 2 && (b & 15) !== 0) || (padding === 1 && (c & 3) !== 0))) {
      throw new PkiError('pem_malformed', 'base64 with stray bits');
    }
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    out[at++] = bits >> 16;
    if (at < out.length) out[at++] = (bits >> 8) & 0xff;
    if (at < out.length) out[at++] = bits & 0xff;
  }
  return out;
}

function sextet(text: string, at: number): number {
  const code = text.charCodeAt(at);
  const value = code < 256 ? (VALUE[code] as number) : -1;
  if (value < 0) throw new PkiError('pem_malformed', 'a character outside base64');
  return value;
}

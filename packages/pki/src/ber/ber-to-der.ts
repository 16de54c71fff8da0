import { concatOctets } from '../der/octets.ts';
import { checkDer } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';

const maxBytes = 16 << 20;
const maxDepth = 32;
/** Each element of a BER file costs some objects while it is rewritten. */
const maxElements = 200_000;
const constructedBit = 0x20;
const octetStringConstructed = TAG.OCTET_STRING | constructedBit;

/**
 * Rewrites BER as DER as far as PKCS#12 and CMS files need it: indefinite and long-winded lengths become definite and short, OCTET STRINGs
 * in pieces become whole ones. NSS, Firefox, macOS and Bouncy Castle write such files; everything else stays octet for octet, so
 * that what is DER comes out as it was. The strict reader then judges the result.
 *
 * @throws PkiError with a `der_…` code
 *
 * @example
 * const reader = new DerReader(berToDer(file));
 */
export function berToDer(bytes: Uint8Array): Uint8Array {
  if (bytes.length > maxBytes) throw new PkiError('der_size', `${bytes.length} octets`);
  if (isDer(bytes)) return bytes;
  const { der, next } = transcode(bytes, 0, bytes.length, maxDepth, { elements: maxElements });
  if (next !== bytes.length) throw new PkiError('der_trailing', undefined, next);
  return der;
}

function isDer(bytes: Uint8Array): boolean {
  try {
    checkDer(bytes, 0, bytes.length, { maxBytes, maxDepth });
    // Lengths do not show an OCTET STRING in pieces. The octet may be there by chance: the rewriting then changes nothing.
    return !bytes.includes(octetStringConstructed);
  } catch (error) {
    if (error instanceof PkiError) return false;
    throw error;
  }
}

interface Budget {
  elements: number;
}

interface Transcoded {
  readonly der: Uint8Array;
  /** Offset behind the element in the source. */
  readonly next: number;
}

interface Header {
  readonly tag: number;
  readonly from: number;
  /** `undefined` for the indefinite form. */
  readonly to: number | undefined;
}

function readHeader(bytes: Uint8Array, at: number, end: number): Header {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || at + 2 > end) throw new PkiError('der_truncated', undefined, at);
  if ((tag & 0x1f) === 0x1f || tag === 0) throw new PkiError('der_tag', `tag octet ${tag}`, at);
  let from = at + 2;
  if (first === 0x80) {
    if ((tag & constructedBit) === 0) throw new PkiError('der_length', undefined, at + 1);
    return { tag, from, to: undefined };
  }
  let length = first;
  if (first > 0x80) {
    const count = first & 0x7f;
    if (count > 4) throw new PkiError('der_length', undefined, at + 1);
    if (from + count > end) throw new PkiError('der_truncated', undefined, from);
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[from + i] ?? 0);
    from += count;
  }
  if (length > end - from) throw new PkiError('der_truncated', undefined, from);
  return { tag, from, to: from + length };
}

function transcode(bytes: Uint8Array, at: number, end: number, depth: number, budget: Budget): Transcoded {
  if (--budget.elements < 0) throw new PkiError('der_size', 'too many elements', at);
  const { tag, from, to } = readHeader(bytes, at, end);
  if ((tag & constructedBit) === 0) {
    // Only the constructed form may be of indefinite length.
    const stop = to ?? from;
    return { der: element(tag, [bytes.subarray(from, stop)]), next: stop };
  }
  if (depth === 0) throw new PkiError('der_depth', undefined, at);
  const parts: Uint8Array[] = [];
  let pos = from;
  while (to === undefined ? !atEndOfContents(bytes, pos, end) : pos < to) {
    const child = transcode(bytes, pos, to ?? end, depth - 1, budget);
    parts.push(tag === octetStringConstructed ? octetStringContent(child.der, pos) : child.der);
    pos = child.next;
  }
  if (to === undefined) pos += 2;
  return { der: element(tag === octetStringConstructed ? TAG.OCTET_STRING : tag, parts), next: pos };
}

function atEndOfContents(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + 2 > end) throw new PkiError('der_truncated', undefined, at);
  return bytes[at] === 0 && bytes[at + 1] === 0;
}

/** A piece has been made DER already: a primitive OCTET STRING. */
function octetStringContent(der: Uint8Array, at: number): Uint8Array {
  const { tag, from, to } = readHeader(der, 0, der.length);
  if (tag !== TAG.OCTET_STRING) throw new PkiError('der_tag', `tag octet ${tag} in an OCTET STRING`, at);
  return der.subarray(from, to);
}

function element(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const header = [tag];
  if (length < 0x80) header.push(length);
  else {
    const octets: number[] = [];
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
    header.push(0x80 | octets.length, ...octets);
  }
  return concatOctets([Uint8Array.from(header), ...parts]);
}

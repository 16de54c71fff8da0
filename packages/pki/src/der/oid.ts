import { PkiError } from '../errors.ts';

/** Long enough for every identifier in use; a longer one would only serve to burn time. */
const MAX_OID_OCTETS = 128;

/**
 * Checks the content octets of an OBJECT IDENTIFIER (X.690 section 8.19): not empty, each arc in its shortest form, the last one complete.
 *
 * @throws PkiError `der_oid`
 */
export function checkOid(bytes: Uint8Array, from: number, to: number): void {
  if (from >= to || to - from > MAX_OID_OCTETS || (bytes[to - 1] as number) >= 0x80) {
    throw new PkiError('der_oid', undefined, from);
  }
  let atStart = true;
  for (let i = from; i < to; i++) {
    const octet = bytes[i] as number;
    if (atStart && octet === 0x80) throw new PkiError('der_oid', undefined, i);
    atStart = octet < 0x80;
  }
}

/** Dotted text of checked content octets; arcs of any size are exact. */
export function oidToText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  let arc = 0;
  let big: bigint | undefined;
  for (let i = from; i < to; i++) {
    const octet = bytes[i] as number;
    if (big === undefined && arc > 0x1_ffff_ffff_ff) big = BigInt(arc);
    if (big === undefined) arc = arc * 128 + (octet & 0x7f);
    else big = big * 128n + BigInt(octet & 0x7f);
    if (octet >= 0x80) continue;
    if (text === '') {
      if (big !== undefined) text = `2.${big - 80n}`;
      else text = arc < 40 ? `0.${arc}` : arc < 80 ? `1.${arc - 40}` : `2.${arc - 80}`;
    } else {
      text += `.${big ?? arc}`;
    }
    arc = 0;
    big = undefined;
  }
  return text;
}

const encoded = new Map<string, Uint8Array>();
const MAX_CACHED = 512;

/**
 * Content octets of a dotted OBJECT IDENTIFIER. The result is shared: do not change it.
 *
 * @throws PkiError `der_oid` when the text is not an identifier
 */
export function oidFromText(text: string): Uint8Array {
  const known = encoded.get(text);
  if (known !== undefined) return known;
  const octets = encodeOid(text);
  if (encoded.size < MAX_CACHED) encoded.set(text, octets);
  return octets;
}

function encodeOid(text: string): Uint8Array {
  if (!/^[0-2](?:\.(?:0|[1-9][0-9]*))+$/.test(text)) throw new PkiError('der_oid', JSON.stringify(text.slice(0, 80)));
  const [first = 0n, second = 0n, ...rest] = text.split('.').map(BigInt);
  if (first < 2n && second > 39n) throw new PkiError('der_oid', text);
  const out: number[] = [];
  for (let arc of [first * 40n + second, ...rest]) {
    const octets = [Number(arc & 0x7fn)];
    for (arc >>= 7n; arc > 0n; arc >>= 7n) octets.push(Number(arc & 0x7fn) | 0x80);
    out.push(...octets.toReversed());
  }
  if (out.length > MAX_OID_OCTETS) throw new PkiError('der_oid', 'too long');
  return Uint8Array.from(out);
}

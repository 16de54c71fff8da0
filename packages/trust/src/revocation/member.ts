import { finishHash, issuerLanes, mixWord } from './multiset-digest.ts';
import type { MultisetDigest } from './multiset-digest.ts';
import { SERIAL_WORDS } from './record-pages.ts';
import { readSerial } from './serial-words.ts';

const DAY_MS = 86_400_000;

/** The day that stands for an end that is not known. */
export const UNKNOWN_DAY = 0xffff;

/**
 * The last day, counted from the epoch, on which a certificate has to be remembered as revoked: the one after its own end, so that
 * clocks that differ by hours agree.
 */
export function lastDayOf(notAfter: number | undefined): number {
  if (notAfter === undefined) return UNKNOWN_DAY;
  return Math.min(Math.max(Math.floor(notAfter / DAY_MS) + 1, 0), UNKNOWN_DAY - 1);
}

/** The day of a moment, counted from the epoch. */
export function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}

/** An issuer's key hash, as digests take it. Throws a RangeError for what is none. */
export function issuerDigest(keyHash: string): Uint32Array {
  if (!/^[0-9a-f]{64}$/.test(keyHash)) throw new RangeError('an issuer is named by 64 lower-case hexadecimal digits');
  return issuerLanes(Uint32Array.from({ length: 8 }, (_, i) => Number.parseInt(keyHash.slice(i * 8, i * 8 + 8), 16)));
}

const scratch = new Uint32Array(SERIAL_WORDS);

/** Takes a revocation into a digest, or out of it, by its serial's text. */
export function digestBySerial(
  digest: MultisetDigest,
  change: 'add' | 'remove',
  issuer: Uint32Array,
  serialHex: string,
  reason: number,
): void {
  const words = readSerial(serialHex, scratch) ? scratch : oversizedWords(serialHex);
  digest[change](issuer, words, reason);
}

/** What stands for a serial of more than 160 bits. */
function oversizedWords(serialHex: string): Uint32Array {
  const serial = serialHex.toLowerCase().replace(/^0+/, '');
  let hash = 0;
  for (let index = 0; index < serial.length; index += 1) hash = mixWord(hash, serial.charCodeAt(index));
  return Uint32Array.of(finishHash(hash));
}

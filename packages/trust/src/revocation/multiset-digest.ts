import { SERIAL_WORDS } from './record-pages.ts';

const LANES = 4;
const LANE_SEEDS = [0x9e3779b9, 0x7f4a7c15, 0xf39cc060, 0x5cedc834];

/** One round of MurmurHash3 (public domain): mixes a word into a running hash. */
export function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let h = hash ^ Math.imul(k, 0x1b873593);
  h = (h << 13) | (h >>> 19);
  return (Math.imul(h, 5) + 0xe6546b64) | 0;
}

/** The closing of MurmurHash3: every input bit reaches every output bit. */
export function finishHash(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A digest of a set that does not depend on the order in which it was filled, and that costs O(1) per change: the sum of a
 * 128-bit hash of each member. It tells whether two honest sides hold the same set; it is no signature.
 */
export class MultisetDigest {
  readonly #lanes = new Uint32Array(LANES);

  add(issuer: Uint32Array, serial: Uint32Array, reason: number): void {
    for (let lane = 0; lane < LANES; lane += 1) {
      this.#lanes[lane] = (this.#lanes[lane] ?? 0) + hashMember(lane, issuer, serial, reason);
    }
  }

  remove(issuer: Uint32Array, serial: Uint32Array, reason: number): void {
    for (let lane = 0; lane < LANES; lane += 1) {
      this.#lanes[lane] = (this.#lanes[lane] ?? 0) - hashMember(lane, issuer, serial, reason);
    }
  }

  /** Takes in everything that another digest has taken in. */
  merge(other: MultisetDigest): void {
    for (let lane = 0; lane < LANES; lane += 1) {
      this.#lanes[lane] = (this.#lanes[lane] ?? 0) + (other.#lanes[lane] ?? 0);
    }
  }

  /** 32 hexadecimal digits. */
  toString(): string {
    return [...this.#lanes].map((lane) => lane.toString(16).padStart(8, '0')).join('');
  }
}

/** Where the hashes of an issuer's members begin, one for each lane: mixed once, not for each member. */
export function issuerLanes(words: Uint32Array): Uint32Array {
  return Uint32Array.from(LANE_SEEDS, (seed) => words.reduce(mixWord, seed));
}

/** `issuer`: see {@link issuerLanes}. */
function hashMember(lane: number, issuer: Uint32Array, serial: Uint32Array, reason: number): number {
  let hash = issuer[lane] ?? 0;
  for (let word = 0; word < SERIAL_WORDS; word += 1) hash = mixWord(hash, serial[word] ?? 0);
  return finishHash(mixWord(hash, reason));
}

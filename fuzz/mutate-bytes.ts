import { concat } from './der-tree.ts';
import type { Random } from './random.ts';

const interesting = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x30, 0x20, 0x0a, 0x2d];

/** A copy with octets flipped, cut, put in, or moved: no structure is respected. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return random.bytes(random.below(8));
  const at = random.below(bytes.length);
  switch (random.below(7)) {
    case 0:
    case 1: {
      const out = Uint8Array.from(bytes);
      out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
      return out;
    }
    case 2: {
      const out = Uint8Array.from(bytes);
      out[at] = random.pick(interesting);
      return out;
    }
    case 3:
      return bytes.slice(0, at);
    case 4:
      return concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)]);
    case 5:
      return concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.below(16)))]);
    default: {
      const from = random.below(bytes.length);
      const piece = bytes.subarray(from, from + 1 + random.below(64));
      return concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
  }
}

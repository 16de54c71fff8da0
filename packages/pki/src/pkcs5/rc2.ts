// RC2 is here to read what Windows and old OpenSSL wrote (PKCS#12 with RC2-40): no current OpenSSL offers it without its legacy
// provider. Nothing of ours ever encrypts with it.

const piTable = Uint8Array.from(
  (
    'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb6266fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ecc2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a90d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad'
  ).match(/../g) ?? [],
  (pair) => Number.parseInt(pair, 16),
);

/**
 * Decrypts RC2 in CBC mode (RFC 2268) and takes the padding off.
 *
 * @param effectiveBits 40 or 128 in PKCS#12
 * @returns `undefined` when the length or the padding is wrong
 */
export function decryptRc2Cbc(
  key: Uint8Array,
  effectiveBits: number,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | undefined {
  if (ciphertext.length === 0 || ciphertext.length % 8 !== 0) return undefined;
  const words = expandKey(key, effectiveBits);
  const out = new Uint8Array(ciphertext.length);
  let previous = iv;
  for (let at = 0; at < ciphertext.length; at += 8) {
    const block = ciphertext.subarray(at, at + 8);
    decryptBlock(words, block, out.subarray(at, at + 8));
    for (let i = 0; i < 8; i++) out[at + i] = (out[at + i] ?? 0) ^ (previous[i] ?? 0);
    previous = block;
  }
  const padding = out[out.length - 1] ?? 0;
  if (padding < 1 || padding > 8) return undefined;
  for (let i = out.length - padding; i < out.length; i++) if (out[i] !== padding) return undefined;
  return out.subarray(0, out.length - padding);
}

/** RFC 2268, section 2. */
function expandKey(key: Uint8Array, effectiveBits: number): Uint16Array {
  const pi = (i: number): number => piTable[i & 0xff] ?? 0;
  const l = new Uint8Array(128);
  l.set(key);
  const effectiveBytes = Math.ceil(effectiveBits / 8);
  const mask = 0xff >>> (8 * effectiveBytes - effectiveBits);
  for (let i = key.length; i < 128; i++) l[i] = pi((l[i - 1] ?? 0) + (l[i - key.length] ?? 0));
  l[128 - effectiveBytes] = pi((l[128 - effectiveBytes] ?? 0) & mask);
  for (let i = 127 - effectiveBytes; i >= 0; i--) l[i] = pi((l[i + 1] ?? 0) ^ (l[i + effectiveBytes] ?? 0));
  return Uint16Array.from({ length: 64 }, (_, i) => (l[2 * i] ?? 0) | ((l[2 * i + 1] ?? 0) << 8));
}

const rotations = [1, 2, 3, 5] as const;

/** RFC 2268, section 4: the mixing and mashing rounds run backwards. */
function decryptBlock(k: Uint16Array, input: Uint8Array, output: Uint8Array): void {
  const r = Uint16Array.from({ length: 4 }, (_, i) => (input[2 * i] ?? 0) | ((input[2 * i + 1] ?? 0) << 8));
  const word = (i: number): number => r[i & 3] ?? 0;
  let j = 63;
  for (let round = 15; round >= 0; round--) {
    for (let i = 3; i >= 0; i--) {
      const s = rotations[i] ?? 0;
      const rotated = ((word(i) >>> s) | (word(i) << (16 - s))) & 0xffff;
      r[i] = rotated - (k[j] ?? 0) - (word(i + 3) & word(i + 2)) - (~word(i + 3) & word(i + 1));
      j--;
    }
    if (round === 11 || round === 5) {
      for (let i = 3; i >= 0; i--) r[i] = word(i) - (k[word(i + 3) & 63] ?? 0);
    }
  }
  for (let i = 0; i < 4; i++) {
    output[2 * i] = word(i) & 0xff;
    output[2 * i + 1] = word(i) >>> 8;
  }
}

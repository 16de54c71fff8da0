/** Digests that password schemes name. */
export type PasswordDigest = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';

/** Block ciphers in CBC mode with PKCS#7 padding (RFC 8018, appendix B.2). */
export type BlockCipher = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc';

/** What scrypt costs (RFC 7914): memory is 128 * N * r bytes. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export type Awaitable<T> = T | Promise<T>;

/**
 * The primitives that password-protected formats (PKCS#8, PKCS#12) need and that pki does not hold itself. Node's stand in
 * `@countersign/trust` (`nodePasswordCrypto`), a browser's in `@countersign/pki/web` (`webPasswordCrypto`).
 *
 * The octets of a derived key belong to whoever asked for them, who overwrites them after use: an implementation keeps a copy, or none.
 *
 * An implementation may leave `scrypt` out and answer `supports` with false for a cipher it lacks; what needs it then fails with the
 * code `password_algorithm_unsupported`.
 */
export interface PasswordCrypto {
  readonly supports: (algorithm: BlockCipher | PasswordDigest) => boolean;
  readonly pbkdf2: (
    digest: PasswordDigest,
    password: Uint8Array,
    salt: Uint8Array,
    iterations: number,
    lengthBytes: number,
  ) => Awaitable<Uint8Array>;
  readonly scrypt?: (
    password: Uint8Array,
    salt: Uint8Array,
    cost: ScryptCost,
    lengthBytes: number,
  ) => Awaitable<Uint8Array>;
  readonly digest: (digest: PasswordDigest, data: Uint8Array) => Awaitable<Uint8Array>;
  readonly hmac: (digest: PasswordDigest, key: Uint8Array, data: Uint8Array) => Awaitable<Uint8Array>;
  readonly encrypt: (
    cipher: BlockCipher,
    key: Uint8Array,
    iv: Uint8Array,
    plaintext: Uint8Array,
  ) => Awaitable<Uint8Array>;
  /** `undefined` when the padding is wrong, which is how a wrong password most often shows. */
  readonly decrypt: (
    cipher: BlockCipher,
    key: Uint8Array,
    iv: Uint8Array,
    ciphertext: Uint8Array,
  ) => Awaitable<Uint8Array | undefined>;
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
}

/** Octets of a digest, and of the block it works on (which the PKCS#12 derivation needs). */
export const digestSizes: Readonly<Record<PasswordDigest, { readonly output: number; readonly block: number }>> = {
  sha1: { output: 20, block: 64 },
  sha224: { output: 28, block: 64 },
  sha256: { output: 32, block: 64 },
  sha384: { output: 48, block: 128 },
  sha512: { output: 64, block: 128 },
};

/** Octets of a cipher's key and of its block. */
export const cipherSizes: Readonly<Record<BlockCipher, { readonly key: number; readonly block: number }>> = {
  'aes-128-cbc': { key: 16, block: 16 },
  'aes-192-cbc': { key: 24, block: 16 },
  'aes-256-cbc': { key: 32, block: 16 },
  'des-ede3-cbc': { key: 24, block: 8 },
};

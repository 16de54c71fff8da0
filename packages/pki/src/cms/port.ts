import type { Awaitable } from '../pkcs5/port.ts';

/**
 * The primitives that encryption to somebody's public key needs and that pki does not hold itself; `nodeEnvelopeCrypto` of
 * `@countersign/trust` is node:crypto. Only for writing: opening an envelope is the recipient's.
 */
export interface EnvelopeCrypto {
  readonly randomBytes: (lengthBytes: number) => Uint8Array;
  readonly digest: (algorithm: 'sha256', data: Uint8Array) => Awaitable<Uint8Array>;
  /** CBC with PKCS#7 padding. */
  readonly encrypt: (
    cipher: 'aes-256-cbc',
    key: Uint8Array,
    iv: Uint8Array,
    plaintext: Uint8Array,
  ) => Awaitable<Uint8Array>;
  /** AES key wrap (RFC 3394) with its default initial value. */
  readonly wrapKey: (wrappingKey: Uint8Array, key: Uint8Array) => Awaitable<Uint8Array>;
  /** RSAES-OAEP (RFC 8017, section 7.1) with SHA-256 for label and mask, the label empty. */
  readonly encryptOaep: (spkiDer: Uint8Array, plaintext: Uint8Array) => Awaitable<Uint8Array>;
  /** ECDH with a key pair made for this once: its public key (SubjectPublicKeyInfo) and the x coordinate of the shared point. */
  readonly agree: (spkiDer: Uint8Array) => Awaitable<{ readonly spki: Uint8Array; readonly secret: Uint8Array }>;
}

import type { SignatureScheme } from './scheme.ts';

export type DigestAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/**
 * The port through which `pki` checks signatures and makes digests: synchronous, given in from outside
 * (`nodeCrypto` of @countersign/trust is node:crypto).
 */
export interface Crypto {
  /**
   * Whether `signature` over `data` was made with this scheme by the private half of the key. False also when the key
   * cannot be used (a point off its curve, an unsupported kind); it never throws for what the octets say.
   *
   * @param spkiDer SubjectPublicKeyInfo
   * @param signature ECDSA and DSA: the DER SEQUENCE of r and s
   * @param saltLength RSASSA-PSS: octets of salt, exactly; those of the digest when it is absent
   */
  verify(
    scheme: SignatureScheme,
    spkiDer: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
    saltLength?: number,
  ): boolean;
  digest(algorithm: DigestAlgorithm, data: Uint8Array): Uint8Array;
}

/** The signature checks of {@link Crypto}, made elsewhere: on another thread, in another device. */
export interface AsyncVerifier {
  /** As `Crypto.verify`. */
  verify(...parameters: Parameters<Crypto['verify']>): Promise<boolean>;
}

/** One private key, wherever it is kept. */
export interface Signer {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly scheme: SignatureScheme;
  /** ECDSA and DSA signatures are the DER SEQUENCE of r and s. */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

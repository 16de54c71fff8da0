import type { PublicKeyKind } from '../x509/public-key.ts';

/** What `modern` allows: see {@link isStrongKey}. */
export const RSA_BITS = { least: 2048, most: 8192 } as const;

/**
 * Whether a key may be used today: P-256, P-384, P-521, Ed25519, Ed448, ML-DSA, SLH-DSA, RSA of 2048 to 8192 bits with an exponent of
 * at least 65537 and at most 2^64. (A larger RSA key only makes each check dearer: 16384 bits is an attack.)
 */
export function isStrongKey(key: PublicKeyKind): boolean {
  switch (key.type) {
    case 'ec':
    case 'ed25519':
    case 'ed448':
    case 'ml-dsa':
    case 'slh-dsa':
      return true;
    case 'rsa': {
      if (key.bits < RSA_BITS.least || key.bits > RSA_BITS.most || key.exponentHex.length > 16) return false;
      return BigInt(`0x${key.exponentHex}`) >= 65537n;
    }
    default:
      return false;
  }
}

import type { PublicKeyKind } from '../x509/public-key.ts';

/**
 * The key usage by which something can be encrypted to a key of this kind: keyAgreement (EC), keyEncipherment (RSA); `undefined` for one
 * that only signs (RFC 5280, section 4.2.1.3).
 *
 * @example
 * receivingUsage(certificate.spki.key); // 'keyAgreement'
 */
export function receivingUsage(key: PublicKeyKind): 'keyAgreement' | 'keyEncipherment' | undefined {
  if (key.type === 'ec') return 'keyAgreement';
  return key.type === 'rsa' && key.pss === undefined ? 'keyEncipherment' : undefined;
}

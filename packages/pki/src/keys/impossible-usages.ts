import type { KeyUsageName } from '../x509/extensions/usage.ts';
import type { PublicKeyKind } from '../x509/public-key.ts';

/**
 * The usages that a key of this kind cannot have: RFC 8813, section 3 (EC); RFC 8410, section 5 (Ed25519, Ed448); RFC 9881, section 5 (ML-DSA);
 * RFC 9909, section 6 (SLH-DSA); RFC 3279, section 2.3 (RSA, DSA).
 */
export function impossibleUsages(key: PublicKeyKind): readonly KeyUsageName[] {
  switch (key.type) {
    case 'ec':
    case 'ec-other':
      return ['keyEncipherment', 'dataEncipherment'];
    case 'ed25519':
    case 'ed448':
    case 'ml-dsa':
    case 'slh-dsa':
    case 'dsa':
      return ['keyEncipherment', 'dataEncipherment', 'keyAgreement', 'encipherOnly', 'decipherOnly'];
    case 'rsa':
      return key.pss === undefined
        ? ['keyAgreement', 'encipherOnly', 'decipherOnly']
        : ['keyEncipherment', 'dataEncipherment', 'keyAgreement', 'encipherOnly', 'decipherOnly'];
    case 'unknown':
      return [];
  }
}

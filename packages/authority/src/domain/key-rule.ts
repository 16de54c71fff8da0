import { isStrongKey } from '@countersign/pki';
import type { PublicKeyKind } from '@countersign/pki';
import type { KeyRule } from './profiles.ts';

/** A key in words: `P-256`, `RSA-2048`, …. */
export function describeKey(key: PublicKeyKind): string {
  switch (key.type) {
    case 'ec':
      return key.curve;
    case 'rsa':
      return `RSA-${key.bits}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
    case 'ml-dsa':
      return `ML-DSA-${key.parameterSet}`;
    case 'slh-dsa':
      return `SLH-DSA-${key.parameterSet}`;
    case 'dsa':
      return `DSA-${key.bits}`;
    case 'ec-other':
      return `the curve ${key.curveOid}`;
    case 'unknown':
      return `the algorithm ${key.oid}`;
  }
}

/** Whether a profile takes a key of this kind and strength. */
export function allowsKey(rule: KeyRule, key: PublicKeyKind): boolean {
  if (!isStrongKey(key)) return false;
  switch (key.type) {
    case 'ec':
      return rule.curves.includes(key.curve);
    case 'rsa':
      // A key bound to RSASSA-PSS is one that many TLS peers cannot use.
      return (
        key.pss === undefined &&
        rule.rsaBits !== undefined &&
        key.bits >= rule.rsaBits.min &&
        key.bits <= rule.rsaBits.max
      );
    case 'ed25519':
      return rule.ed25519;
    case 'ml-dsa':
      return rule.mlDsa.includes(key.parameterSet);
    default:
      return false;
  }
}

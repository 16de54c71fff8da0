/** Which algorithms and keys are accepted: the `modern` and `legacy` policies. */

import { isLegacyScheme, schemeFitsKey, signatureScheme } from '../keys/scheme.ts';
import { isStrongKey, RSA_BITS } from '../keys/strength.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import type { PublicKeyKind, SubjectPublicKeyInfo } from '../x509/public-key.ts';
import { fault } from './checks.ts';
import type { PathContext } from './context.ts';
import type { PathFault } from './types.ts';

const LEGACY_BITS = 1024;

/** Whether signatures with this algorithm are accepted at all. */
export function isAcceptedAlgorithm(algorithm: AlgorithmIdentifier, legacy: boolean): boolean {
  const scheme = signatureScheme(algorithm);
  return scheme !== undefined && (legacy || !isLegacyScheme(scheme));
}

/** Whether a public key is accepted. */
export function isAcceptedKey(key: PublicKeyKind, legacy: boolean): boolean {
  if (isStrongKey(key)) return true;
  if (!legacy) return false;
  if (key.type === 'rsa') return key.bits >= LEGACY_BITS && key.bits <= RSA_BITS.most;
  // Zero bits: the parameters are the issuer's (RFC 3279, 2.3.2).
  return key.type === 'dsa' && (key.bits === 0 || (key.bits >= LEGACY_BITS && key.bits <= RSA_BITS.most));
}

/** Whether checking a signature under this key costs no more than it may, accepted or not. */
export function isCheapKey(key: PublicKeyKind): boolean {
  if (key.type === 'rsa') return key.bits <= RSA_BITS.most && key.exponentHex.length <= 16;
  return key.type !== 'dsa' || key.bits <= RSA_BITS.most;
}

export function checkSignatureAlgorithm(ctx: PathContext, cert: Certificate): PathFault | undefined {
  if (isAcceptedAlgorithm(cert.signatureAlgorithm, ctx.legacy)) return undefined;
  return fault('algorithm_refused', cert, signatureScheme(cert.signatureAlgorithm) ?? cert.signatureAlgorithm.oid);
}

export function checkKey(ctx: PathContext, cert: Certificate): PathFault | undefined {
  return isAcceptedKey(cert.spki.key, ctx.legacy) ? undefined : fault('key_refused', cert, describeKey(cert.spki));
}

/** Whether a signature of this algorithm can be checked with this key. */
export function canVerify(algorithm: AlgorithmIdentifier, key: PublicKeyKind): boolean {
  const scheme = signatureScheme(algorithm);
  return scheme !== undefined && schemeFitsKey(scheme, key) && isCheapKey(key);
}

/** Whether a signature with this algorithm can be by no key like this one, as both are known and of different kinds. */
export function isOfAnotherKind(algorithm: AlgorithmIdentifier, key: PublicKeyKind): boolean {
  const scheme = signatureScheme(algorithm);
  if (scheme === undefined || key.type === 'unknown') return false;
  return key.type === 'rsa' ? !scheme.startsWith('rsa-') : !schemeFitsKey(scheme, key);
}

function describeKey({ key, algorithm }: SubjectPublicKeyInfo): string {
  switch (key.type) {
    case 'rsa':
      return `RSA with ${key.bits} bits, exponent 0x${key.exponentHex.slice(0, 20)}`;
    case 'dsa':
      return `DSA with ${key.bits} bits`;
    case 'ec-other':
      return `the curve ${key.curveOid}`;
    default:
      return algorithm.oid;
  }
}

import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { Crypto } from './crypto.ts';
import { pssSaltLength, schemeFitsKey, signatureScheme } from './scheme.ts';
import type { SignatureScheme } from './scheme.ts';

/** What carries a signature: a certificate, a CRL, a request, an OCSP response. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

export type SignatureErrorCode = 'signature_algorithm_unsupported' | 'signature_key_mismatch' | 'signature_invalid';

export type SignatureResult =
  | { readonly ok: true; readonly scheme: SignatureScheme }
  | { readonly ok: false; readonly code: SignatureErrorCode };

/**
 * Checks a signature with a public key: that the algorithm is known and its parameters are right, that it fits the key,
 * and the signature itself. Whether algorithm and key are strong enough is the caller's policy.
 *
 * @example
 * verifySignature(certificate, issuer.spki, nodeCrypto).ok
 */
export function verifySignature(signed: Signed, spki: SubjectPublicKeyInfo, crypto: Crypto): SignatureResult {
  const scheme = signatureScheme(signed.signatureAlgorithm);
  if (scheme === undefined) return { ok: false, code: 'signature_algorithm_unsupported' };
  if (!schemeFitsKey(scheme, spki.key)) return { ok: false, code: 'signature_key_mismatch' };
  const saltLength = pssSaltLength(signed.signatureAlgorithm);
  return crypto.verify(scheme, spki.der, signed.tbs, signed.signature, saltLength)
    ? { ok: true, scheme }
    : { ok: false, code: 'signature_invalid' };
}

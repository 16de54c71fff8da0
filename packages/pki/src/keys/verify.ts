import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { AsyncVerifier, Crypto } from './crypto.ts';
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
  const scheme = fittingScheme(signed, spki);
  if (typeof scheme === 'object') return scheme;
  const saltLength = pssSaltLength(signed.signatureAlgorithm);
  return crypto.verify(scheme, spki.der, signed.tbs, signed.signature, saltLength)
    ? { ok: true, scheme }
    : { ok: false, code: 'signature_invalid' };
}

/**
 * As {@link verifySignature}, with a check that may be made elsewhere.
 *
 * @example
 * (await verifySignatureElsewhere(csr, csr.spki, threadedVerifier)).ok
 */
export async function verifySignatureElsewhere(
  signed: Signed,
  spki: SubjectPublicKeyInfo,
  verifier: AsyncVerifier,
): Promise<SignatureResult> {
  const scheme = fittingScheme(signed, spki);
  if (typeof scheme === 'object') return scheme;
  const saltLength = pssSaltLength(signed.signatureAlgorithm);
  return (await verifier.verify(scheme, spki.der, signed.tbs, signed.signature, saltLength))
    ? { ok: true, scheme }
    : { ok: false, code: 'signature_invalid' };
}

function fittingScheme(signed: Signed, spki: SubjectPublicKeyInfo): SignatureScheme | SignatureResult {
  const scheme = signatureScheme(signed.signatureAlgorithm);
  if (scheme === undefined) return { ok: false, code: 'signature_algorithm_unsupported' };
  return schemeFitsKey(scheme, spki.key) ? scheme : { ok: false, code: 'signature_key_mismatch' };
}

import { equalOctets } from '../der/octets.ts';
import { PkiError } from '../errors.ts';
import type { Crypto } from '../keys/crypto.ts';
import { verifySignature } from '../keys/verify.ts';
import { isAcceptedAlgorithm, isAcceptedKey } from '../path/algorithms.ts';
import type { Certificate } from '../x509/certificate.ts';
import { nameEquals } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import { parseCertificate } from '../x509/parse-certificate.ts';
import type { BasicOcspResponse, OcspResponderId } from './response.ts';

/** Who answered: the issuer of the certificate itself, one that it delegated to, or one that we trust on our own. */
export interface OcspResponder {
  readonly kind: 'issuer' | 'delegated' | 'trusted';
  readonly certificate: Certificate;
}

export type OcspResponderProblem =
  | 'ocsp_responder_unknown'
  | 'ocsp_responder_unauthorized'
  | 'ocsp_responder_expired'
  | 'ocsp_responder_revoked'
  | 'ocsp_weak'
  | 'ocsp_signature';

export interface ResponderContext {
  readonly issuer: Certificate;
  readonly trustedResponders: readonly Certificate[];
  readonly responderStatus: ((certificate: Certificate) => 'good' | 'revoked' | 'unknown') | undefined;
  readonly time: number;
  readonly legacy: boolean;
  readonly crypto: Crypto;
}

export type FoundResponder =
  | { readonly ok: true; readonly responder: OcspResponder }
  | { readonly ok: false; readonly code: OcspResponderProblem; readonly detail: string };

/** Each may cost two signature checks. */
const maxDelegates = 4;

/**
 * Finds who signed a response, holds it against RFC 6960, section 4.2.2.2, and checks the signature.
 *
 * A delegate must be certified by the issuer itself, directly and with its own key, for signing OCSP responses; anyExtendedKeyUsage is
 * not enough. That its name fits is not: the issuer's signature on its certificate is checked.
 */
export function findResponder(
  basic: BasicOcspResponse,
  responderId: OcspResponderId,
  context: ResponderContext,
): FoundResponder {
  if (!isAcceptedAlgorithm(basic.signatureAlgorithm, context.legacy)) {
    return { ok: false, code: 'ocsp_weak', detail: basic.signatureAlgorithm.oid };
  }
  const own = [
    { kind: 'issuer', certificate: context.issuer } as const,
    ...context.trustedResponders.map((certificate) => ({ kind: 'trusted', certificate }) as const),
  ].filter(({ certificate }) => identifies(responderId, certificate, context.crypto));
  for (const responder of own) {
    if (verifySignature(basic, responder.certificate.spki, context.crypto).ok) return { ok: true, responder };
  }
  const { fitting, malformed } = delegates(basic, responderId, context);
  let problem: FoundResponder =
    own.length > 0
      ? { ok: false, code: 'ocsp_signature', detail: 'by the key of the issuer' }
      : { ok: false, code: 'ocsp_responder_unknown', detail: `no certificate for the responder${malformed}` };
  for (const certificate of fitting) {
    const code = judgeDelegate(certificate, context);
    if (code !== undefined) problem = { ok: false, code, detail: certificate.serialHex };
    else if (verifySignature(basic, certificate.spki, context.crypto).ok) {
      return { ok: true, responder: { kind: 'delegated', certificate } };
    } else problem = { ok: false, code: 'ocsp_signature', detail: `by the key of ${certificate.serialHex}` };
  }
  return problem;
}

function identifies(id: OcspResponderId, certificate: Certificate, crypto: Crypto): boolean {
  return id.type === 'name'
    ? nameEquals(id.name, certificate.subject)
    : equalOctets(id.keyHash, crypto.digest('sha1', certificate.spki.bits));
}

/** The certificates that came along and fit; what is not one is passed over, and said. */
function delegates(
  basic: BasicOcspResponse,
  id: OcspResponderId,
  context: ResponderContext,
): { readonly fitting: readonly Certificate[]; readonly malformed: string } {
  const fitting: Certificate[] = [];
  let malformed = '';
  for (const der of basic.certificates) {
    if (fitting.length >= maxDelegates) break;
    try {
      const certificate = parseCertificate(der);
      if (identifies(id, certificate, context.crypto)) fitting.push(certificate);
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
      malformed = `; one that came along is malformed: ${error.message}`;
    }
  }
  return { fitting, malformed };
}

function judgeDelegate(certificate: Certificate, context: ResponderContext): OcspResponderProblem | undefined {
  const { issuer, legacy, time } = context;
  const allowed =
    nameEquals(certificate.issuer, issuer.subject) &&
    certificate.extendedKeyUsage?.includes(OID.ocspSigning) === true &&
    certificate.keyUsage?.has('digitalSignature') !== false &&
    certificate.unknownCriticalExtensions.length === 0;
  if (!allowed) return 'ocsp_responder_unauthorized';
  if (!isAcceptedAlgorithm(certificate.signatureAlgorithm, legacy) || !isAcceptedKey(certificate.spki.key, legacy)) {
    return 'ocsp_weak';
  }
  if (!verifySignature(certificate, issuer.spki, context.crypto).ok) return 'ocsp_responder_unauthorized';
  if (time < certificate.notBefore || time > certificate.notAfter) return 'ocsp_responder_expired';
  // Section 4.2.2.2.1: with nocheck the CA vouches for it as long as it is valid.
  if (certificate.ocspNoCheck || context.responderStatus === undefined) return undefined;
  return context.responderStatus(certificate) === 'good' ? undefined : 'ocsp_responder_revoked';
}

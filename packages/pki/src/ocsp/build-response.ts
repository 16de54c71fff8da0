import type { CrlReason } from '../crl/reasons.ts';
import { CRL_REASONS } from '../crl/reasons.ts';
import { contextPrimitive, TAG } from '../der/tags.ts';
import {
  bitString,
  constructed,
  element,
  enumerated,
  explicit,
  generalizedTime,
  octetString,
  oid,
  sequence,
} from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Signer } from '../keys/crypto.ts';
import { schemeAlgorithm } from '../keys/scheme.ts';
import type { SignatureScheme } from '../keys/scheme.ts';
import { encodeExtension } from '../x509/build-extensions.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { encodeCertId } from './cert-id.ts';
import type { OcspCertId } from './cert-id.ts';
import { nonceExtension } from './nonce.ts';
import { OCSP_OID } from './oids.ts';
import { OCSP_RESPONSE_STATUS } from './response.ts';
import type { OcspResponderId, OcspResponseStatus } from './response.ts';

/** What a response will say about one certificate; times in milliseconds since the epoch, cut to seconds. */
export interface OcspAnswer {
  /** From the request, so that the client finds it again. */
  readonly certId: OcspCertId;
  readonly status:
    | { readonly status: 'good' | 'unknown' }
    | { readonly status: 'revoked'; readonly revocationTime: number; readonly reason?: CrlReason | undefined };
  readonly thisUpdate: number;
  readonly nextUpdate?: number;
  readonly extensions?: readonly Extension[];
}

export interface OcspResponseTemplate {
  readonly responderId: OcspResponderId;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly producedAt: number;
  readonly answers: readonly OcspAnswer[];
  /** The request's own. */
  readonly nonce?: Uint8Array | undefined;
  /** DER of the responder's certificate, where it is not the issuer itself that signs. */
  readonly certificates?: readonly Uint8Array[];
}

/**
 * Builds and signs an OCSP response (RFC 6960, section 4.2.1).
 *
 * @returns the DER encoding
 * @throws PkiError `argument` for no answer, or a nonce outside 1 to 128 octets
 *
 * @example
 * const der = await buildOcspResponse({ responderId: { type: 'key', keyHash }, producedAt, answers: [
 *   { certId, status: { status: 'good' }, thisUpdate, nextUpdate },
 * ], nonce: request.nonce }, signer);
 */
export async function buildOcspResponse(template: OcspResponseTemplate, signer: Signer): Promise<Uint8Array> {
  const tbs = buildOcspTbs(template);
  return assembleOcspResponse(tbs, signer.scheme, await signer.sign(tbs), template.certificates);
}

/**
 * What of an OCSP response is signed: ResponseData. For those who sign in their own time; else {@link buildOcspResponse}.
 *
 * @throws PkiError `argument` for no answer, or a nonce outside 1 to 128 octets
 *
 * @example
 * const tbs = buildOcspTbs({ responderId, producedAt, answers });
 */
export function buildOcspTbs(template: Omit<OcspResponseTemplate, 'certificates'>): Uint8Array {
  if (template.answers.length === 0) throw new PkiError('argument', 'no answer');
  const { responderId, nonce } = template;
  return sequence(
    responderId.type === 'name' ? explicit(1, responderId.name.der) : explicit(2, octetString(responderId.keyHash)),
    generalizedTime(template.producedAt),
    sequence(...template.answers.map(encodeAnswer)),
    encodeExtensions(1, nonce === undefined ? [] : [nonceExtension(nonce)]),
  );
}

/**
 * An OCSP response of what was signed and its signature. The certificates stand at its very end, so that responses of one responder
 * end in the same octets.
 *
 * @example
 * const der = assembleOcspResponse(tbs, signer.scheme, await signer.sign(tbs), [responder.der]);
 */
export function assembleOcspResponse(
  tbs: Uint8Array,
  scheme: SignatureScheme,
  signature: Uint8Array,
  certificates: readonly Uint8Array[] = [],
): Uint8Array {
  const basic = sequence(
    tbs,
    schemeAlgorithm(scheme).der,
    bitString(signature),
    certificates.length === 0 ? undefined : explicit(0, sequence(...certificates)),
  );
  const answer = sequence(oid(OCSP_OID.basicResponse), octetString(basic));
  return sequence(enumerated(OCSP_RESPONSE_STATUS.successful), explicit(0, answer));
}

/**
 * Says up to when back a responder answers for certificates that have expired (RFC 6960, section 4.4.4).
 *
 * @param cutoff milliseconds since the epoch
 * @example
 * const answer = { certId, status, thisUpdate, extensions: [archiveCutoff(issuer.notBefore)] };
 */
export function archiveCutoff(cutoff: number): Extension {
  return { oid: OCSP_OID.archiveCutoff, critical: false, value: generalizedTime(cutoff) };
}

/**
 * Builds an OCSP response that only says why there is none; it is not signed.
 *
 * @example
 * buildOcspError('tryLater');
 */
export function buildOcspError(status: Exclude<OcspResponseStatus, 'successful'>): Uint8Array {
  return sequence(enumerated(OCSP_RESPONSE_STATUS[status]));
}

function encodeAnswer(answer: OcspAnswer): Uint8Array {
  return sequence(
    encodeCertId(answer.certId),
    encodeStatus(answer.status),
    generalizedTime(answer.thisUpdate),
    answer.nextUpdate === undefined ? undefined : explicit(0, generalizedTime(answer.nextUpdate)),
    encodeExtensions(1, answer.extensions ?? []),
  );
}

function encodeStatus(status: OcspAnswer['status']): Uint8Array {
  if (status.status !== 'revoked') return element(contextPrimitive(status.status === 'good' ? 0 : 2), new Uint8Array());
  const reason = status.reason === undefined ? undefined : explicit(0, enumerated(CRL_REASONS[status.reason]));
  return constructed(0xa1, [generalizedTime(status.revocationTime), reason]);
}

function encodeExtensions(n: number, extensions: readonly Extension[]): Uint8Array | undefined {
  if (extensions.length === 0) return undefined;
  return explicit(n, constructed(TAG.SEQUENCE, extensions.map(encodeExtension)));
}

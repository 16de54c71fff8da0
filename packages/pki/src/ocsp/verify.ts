import type { CrlReason } from '../crl/reasons.ts';
import { equalOctets } from '../der/octets.ts';
import { PkiError } from '../errors.ts';
import type { Crypto } from '../keys/crypto.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { certIdMatches } from './cert-id.ts';
import { OCSP_OID } from './oids.ts';
import { findResponder } from './responder.ts';
import type { OcspResponder, OcspResponderProblem } from './responder.ts';
import { parseOcspResponse, parseOcspResponseData } from './response.ts';
import type { OcspResponse, OcspResponseData, OcspSingleResponse } from './response.ts';

/** Why a response says nothing about a certificate. */
export type OcspProblem =
  | 'ocsp_malformed'
  | 'ocsp_data_malformed'
  | 'ocsp_error'
  | 'ocsp_produced_at'
  | 'ocsp_critical_extension'
  | 'ocsp_nonce'
  | 'ocsp_no_answer'
  | 'ocsp_not_yet_valid'
  | 'ocsp_expired'
  | 'ocsp_certificate_unknown'
  | OcspResponderProblem;

/** Fail closed: whatever is not a proved `good` or `revoked` is `unknown`, with its reason. */
export type OcspResult =
  | (OcspVerified & { readonly status: 'good' })
  | (OcspVerified & {
      readonly status: 'revoked';
      /** Milliseconds since the epoch. */
      readonly revocationTime: number;
      readonly reason: CrlReason | undefined;
    })
  | { readonly status: 'unknown'; readonly code: OcspProblem; readonly detail: string };

export interface OcspVerified {
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** When newer information will be there at the latest, milliseconds since the epoch; absent: at any time. */
  readonly nextUpdate: number | undefined;
  /** When the responder signed it, milliseconds since the epoch. */
  readonly producedAt: number;
  /** The moment from which the answer is stale, milliseconds since the epoch. */
  readonly staleAt: number;
  readonly responder: OcspResponder;
}

export interface VerifyOcspOptions {
  /** The certificate that the answer is to be about. */
  readonly certificate: Certificate;
  /** The certificate of its issuer, itself verified. */
  readonly issuer: Certificate;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly crypto: Crypto;
  /** `legacy` accepts SHA-1 and short keys: for old test data only. */
  readonly algorithms?: 'modern' | 'legacy';
  /** An answer older than this is stale, whatever it says itself; where it has no nextUpdate, 7 days if not given. */
  readonly maxAgeSeconds?: number;
  /** How far a responder's clock may be ahead; 0 if not given. */
  readonly clockSkewSeconds?: number;
  /** The nonce of the request: the answer must carry it. */
  readonly nonce?: Uint8Array;
  /** An answer without any nonce is accepted all the same: responders of RFC 5019 have none. */
  readonly allowMissingNonce?: boolean;
  /** Certificates of responders that are trusted for this issuer by configuration (RFC 6960, section 4.2.2.2, 1). */
  readonly trustedResponders?: readonly Certificate[];
  /** Tells the revocation of a delegated responder's own certificate, unless that has nocheck. Absent: it is not asked for. */
  readonly responderStatus?: (certificate: Certificate) => 'good' | 'revoked' | 'unknown';
}

const defaultMaxAgeSeconds = 7 * 86_400;

/** Extensions that, critical, we understand well enough to go on: those of RFC 6960, section 4.4, and RFC 6962. */
const understood: ReadonlySet<string> = new Set([
  OCSP_OID.nonce,
  OCSP_OID.crlReference,
  OCSP_OID.archiveCutoff,
  OCSP_OID.extendedRevoke,
  OCSP_OID.signedCertificateTimestamps,
]);

function unknown(code: OcspProblem, detail = ''): OcspResult & { status: 'unknown' } {
  return { status: 'unknown', code, detail };
}

/**
 * What an OCSP response says about a certificate (RFC 6960, section 3.2): that it answers for this very certificate, is signed by the issuer
 * or by one whom the issuer or the configuration allowed to, is neither too old nor from the future, and carries the request's nonce.
 * Of several answers the worst counts: revoked, unknown, good.
 *
 * @returns `good`, `revoked`, or `unknown` with the reason; malformed responses are `unknown` too
 *
 * @example
 * const result = verifyOcspResponse(body, { certificate, issuer, time: clock(), crypto: nodeCrypto });
 * if (result.status !== 'good') refuse(result);
 */
export function verifyOcspResponse(der: Uint8Array, options: VerifyOcspOptions): OcspResult {
  const parsed = parsing('ocsp_malformed', () => parseOcspResponse(der));
  if ('code' in parsed) return parsed;
  const response: OcspResponse = parsed.value;
  if (response.status !== 'successful') return unknown('ocsp_error', response.status);
  const { basic } = response;
  const read = parsing('ocsp_data_malformed', () => parseOcspResponseData(basic.tbs));
  if ('code' in read) return read;
  const data: OcspResponseData = read.value;

  const answer = chooseAnswer(data, options);
  if ('code' in answer) return answer;
  const found = findResponder(basic, data.responderId, {
    issuer: options.issuer,
    trustedResponders: options.trustedResponders ?? [],
    responderStatus: options.responderStatus,
    time: options.time,
    legacy: options.algorithms === 'legacy',
    crypto: options.crypto,
  });
  if (!found.ok) return unknown(found.code, found.detail);

  const { certStatus, thisUpdate, nextUpdate } = answer.single;
  const { producedAt } = data;
  const verified = {
    thisUpdate,
    nextUpdate,
    producedAt,
    staleAt: staleAt(answer.single, options),
    responder: found.responder,
  };
  if (certStatus.status === 'revoked') {
    return { status: 'revoked', revocationTime: certStatus.revocationTime, reason: certStatus.reason, ...verified };
  }
  if (certStatus.status === 'good') return { status: 'good', ...verified };
  return unknown('ocsp_certificate_unknown', 'the responder does not know it');
}

function parsing<T>(code: OcspProblem, parse: () => T): { readonly value: T } | (OcspResult & { status: 'unknown' }) {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof PkiError) return unknown(code, error.message);
    throw error;
  }
}

type Chosen = { readonly single: OcspSingleResponse } | (OcspResult & { status: 'unknown' });

/** The answer about this certificate that counts, not yet proved by a signature. */
function chooseAnswer(data: OcspResponseData, options: VerifyOcspOptions): Chosen {
  const { certificate, issuer, time, crypto } = options;
  const skew = (options.clockSkewSeconds ?? 0) * 1000;
  if (data.producedAt < certificate.notBefore || data.producedAt > certificate.notAfter) {
    return unknown('ocsp_produced_at', "outside the certificate's validity");
  }
  if (data.producedAt > time + skew) return unknown('ocsp_produced_at', 'in the future');
  const strange = findCritical(data.extensions);
  if (strange !== undefined) return unknown('ocsp_critical_extension', strange);
  const nonce = checkNonce(data, options);
  if (nonce !== undefined) return nonce;

  let chosen: OcspSingleResponse | undefined;
  let problem = unknown('ocsp_no_answer', 'none is about this certificate');
  for (const single of data.responses) {
    if (!certIdMatches(single.certId, certificate, issuer, crypto)) continue;
    const trouble = judgeSingle(single, options);
    if (trouble !== undefined) problem = trouble;
    else if (chosen === undefined || severity(single) > severity(chosen)) chosen = single;
  }
  return chosen === undefined ? problem : { single: chosen };
}

function judgeSingle(
  single: OcspSingleResponse,
  options: VerifyOcspOptions,
): (OcspResult & { status: 'unknown' }) | undefined {
  const strange = findCritical(single.extensions);
  if (strange !== undefined) return unknown('ocsp_critical_extension', strange);
  const { thisUpdate, nextUpdate } = single;
  const skew = (options.clockSkewSeconds ?? 0) * 1000;
  if (thisUpdate > options.time + skew) return unknown('ocsp_not_yet_valid', 'thisUpdate is in the future');
  if (nextUpdate !== undefined && nextUpdate < thisUpdate)
    return unknown('ocsp_expired', 'nextUpdate before thisUpdate');
  if (options.time >= staleAt(single, options)) return unknown('ocsp_expired', 'there must be a newer one');
  return undefined;
}

/** RFC 6960, section 3.2, 5 and 6. */
function staleAt({ thisUpdate, nextUpdate }: OcspSingleResponse, options: VerifyOcspOptions): number {
  const maxAge = options.maxAgeSeconds ?? (nextUpdate === undefined ? defaultMaxAgeSeconds : Infinity);
  return Math.min(nextUpdate ?? Infinity, thisUpdate + maxAge * 1000);
}

function severity({ certStatus }: OcspSingleResponse): number {
  return ['good', 'unknown', 'revoked'].indexOf(certStatus.status);
}

function findCritical(extensions: readonly Extension[]): string | undefined {
  return extensions.find(({ critical, oid }) => critical && !understood.has(oid))?.oid;
}

function checkNonce(
  data: OcspResponseData,
  { nonce, allowMissingNonce }: VerifyOcspOptions,
): (OcspResult & { status: 'unknown' }) | undefined {
  if (nonce === undefined) return undefined;
  if (data.nonce === undefined) return allowMissingNonce === true ? undefined : unknown('ocsp_nonce', 'it has none');
  return equalOctets(nonce, data.nonce) ? undefined : unknown('ocsp_nonce', 'it has another');
}

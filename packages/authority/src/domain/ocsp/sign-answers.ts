import { archiveCutoff, assembleOcspResponse, buildOcspTbs } from '@countersign/pki';
import type { OcspAnswer, OcspCertId } from '@countersign/pki';
import type { CertificateState } from '../ports.ts';
import type { Responder } from './responders.ts';

/** How long an answer lasts at most. */
export const answerLifetimeMs = 12 * 3_600_000;

/** What is asked, and what is known; undefined for what was never issued. */
export interface Finding {
  readonly certId: OcspCertId;
  readonly state: CertificateState | undefined;
}

export type AnswerStatus = 'good' | 'revoked' | 'unknown';

/** What there is to say about a certificate: never good of what was never issued. */
export function statusOf(state: CertificateState | undefined): AnswerStatus {
  if (state === undefined) return 'unknown';
  return state.revocation === undefined ? 'good' : 'revoked';
}

/** Answers that were signed in one response; times are milliseconds since the epoch, whole seconds. */
export interface SignedAnswers {
  readonly der: Uint8Array;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** Signs what is known as of `now`; with the nonce of the request where it has one. */
export async function signAnswers(
  responder: Responder,
  findings: readonly Finding[],
  now: number,
  nonce: Uint8Array | undefined,
): Promise<SignedAnswers> {
  const { id, signer, certificate, issuer } = responder;
  const thisUpdate = Math.floor(now / 1000) * 1000;
  const nextUpdate = Math.min(thisUpdate + answerLifetimeMs, certificate.notAfter);
  const answers = findings.map(({ certId, state }): OcspAnswer => {
    const answer = { certId, status: certStatus(state), thisUpdate, nextUpdate };
    // RFC 6960, section 4.4.4: the store forgets nothing.
    const expired = state !== undefined && state.notAfter < now;
    return expired ? { ...answer, extensions: [archiveCutoff(issuer.certificate.notBefore)] } : answer;
  });
  const tbs = buildOcspTbs({ responderId: id, producedAt: thisUpdate, answers, nonce });
  const signature = await signer.sign(tbs);
  return { der: assembleOcspResponse(tbs, signer.scheme, signature, [certificate.der]), thisUpdate, nextUpdate };
}

function certStatus(state: CertificateState | undefined): OcspAnswer['status'] {
  if (state === undefined) return { status: 'unknown' };
  if (state.revocation === undefined) return { status: 'good' };
  const { revokedAt, reason } = state.revocation;
  // RFC 5280, section 5.3.1: unspecified is said by saying nothing.
  return { status: 'revoked', revocationTime: revokedAt, reason: reason === 'unspecified' ? undefined : reason };
}

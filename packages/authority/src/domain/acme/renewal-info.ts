import { parseCertificateId } from './certificate-id.ts';
import type { AcmeContext } from './context.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome } from './problem.ts';

/** When a certificate is best renewed (RFC 9773, section 4.2): at a random moment of the window. Milliseconds since the epoch. */
export interface RenewalInfo {
  readonly start: number;
  readonly end: number;
  /** When to ask again. */
  readonly retryAfterSeconds: number;
}

/**
 * Tells when to renew: between two thirds and five sixths of the lifetime, so that what was issued in one hour is not renewed in one; at
 * once (a window that is over) where the certificate was revoked or is on hold no more of use.
 */
export async function renewalInfo(context: AcmeContext, id: string): Promise<AcmeOutcome<{ info: RenewalInfo }>> {
  const certificateId = parseCertificateId(id, context.cas());
  const certificate = certificateId && (await context.store.certificate(certificateId.issuer, certificateId.serial));
  if (certificate === undefined)
    return deny('malformed', 'this names no certificate of this authority', { status: 404 });
  const { notBefore, notAfter, revocation } = certificate;
  const lifetime = notAfter - notBefore;
  // Short-lived certificates hear of their revocation in time too.
  const retryAfterSeconds = Math.round(Math.min(6 * 3600, Math.max(60, lifetime / 12_000)));
  if (revocation !== undefined && revocation.reason !== 'certificateHold') {
    return { ok: true, info: { start: revocation.revokedAt - 1000, end: revocation.revokedAt, retryAfterSeconds } };
  }
  return {
    ok: true,
    info: { start: notBefore + (lifetime * 2) / 3, end: notBefore + (lifetime * 5) / 6, retryAfterSeconds },
  };
}

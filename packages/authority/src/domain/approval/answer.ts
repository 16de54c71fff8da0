import { pemEncode } from '@countersign/pki';
import type { IssuedCertificate } from '@countersign/protocol';
import { issuersOf } from '../ca.ts';
import type { CaSet } from '../ca.ts';
import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { StoredCertificate, StoreReader } from '../ports.ts';
import type { StoredRequest } from './records.ts';

/** That a request waits for an administrator. */
export interface WaitingRequest {
  readonly id: string;
  readonly expiresAt: number;
  /** When to ask again. */
  readonly retryAfterSeconds: number;
}

/** What a door gets for a request: the certificate, or the news that it has to wait. */
export type Granted =
  | { readonly issued: IssuedCertificate; readonly waiting?: undefined }
  | { readonly issued?: undefined; readonly waiting: WaitingRequest };

/** When to ask again: soon at first, for somebody may sit at the keyboard; then ever more rarely, a minute apart at most. */
export function retryAfterSeconds({ createdAt }: Pick<StoredRequest, 'createdAt'>, now: number): number {
  return Math.min(60, Math.max(1, Math.round((now - createdAt) / 10_000)));
}

/** A request as it is at `now`: one that nobody has decided in time has expired. */
export function requestAt(request: StoredRequest, now: number): StoredRequest {
  return request.status === 'pending' && request.expiresAt < now ? { ...request, status: 'expired' } : request;
}

/** That a request waits. */
export function waitingFor(request: StoredRequest, now: number): Granted {
  const { id, expiresAt } = request;
  return { waiting: { id, expiresAt, retryAfterSeconds: retryAfterSeconds(request, now) } };
}

/** What whoever made a request is told of it. Undefined where nothing came of it and nothing stands in the way of another. */
export async function answerTo(
  reader: Pick<StoreReader, 'certificate'>,
  cas: CaSet,
  request: StoredRequest,
  now: number,
): Promise<Outcome<Granted> | undefined> {
  const { status, decision, certificate: named } = requestAt(request, now);
  if (status === 'pending') return { ok: true, ...waitingFor(request, now) };
  if (status === 'denied') return refuse('request_denied', `an administrator has denied it: ${decision?.reason ?? ''}`);
  const certificate = named && (await reader.certificate(named.issuer, named.serial));
  if (certificate === undefined || certificate.notAfter < now) return undefined;
  return certificate.revocation === undefined
    ? { ok: true, issued: issuedBefore(cas, certificate, request) }
    : refuse('key_revoked', 'the certificate that came of this request was revoked since: make a new key');
}

function issuedBefore(cas: CaSet, certificate: StoredCertificate, { profile }: StoredRequest): IssuedCertificate {
  const issuer = issuersOf(cas).find(({ keyHash }) => keyHash === certificate.issuer);
  return {
    certificate: pemEncode('CERTIFICATE', certificate.der) + (issuer?.pem ?? ''),
    ca: cas.root.pem,
    serial: certificate.serial,
    name: certificate.name,
    profile,
    notBefore: new Date(certificate.notBefore).toISOString(),
    notAfter: new Date(certificate.notAfter).toISOString(),
  };
}

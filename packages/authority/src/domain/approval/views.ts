import type { RequestDetail, RequestRecord } from '@countersign/protocol';
import { requestAt } from './answer.ts';
import type { StoredRequest } from './records.ts';

// Requests as the API tells them.

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** A request as it is listed. */
export function requestRecord(stored: StoredRequest, now: number): RequestRecord {
  const { id, status, name, profile, sans, door, actor, createdAt, expiresAt, decision } = requestAt(stored, now);
  return {
    id,
    status,
    name,
    profile,
    sans: [...sans],
    door,
    requestedBy: actor,
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    keySha256: stored.spkiSha256,
    ...(decision && { decidedAt: iso(decision.at), decidedBy: decision.by }),
    ...(decision?.reason !== undefined && { reason: decision.reason }),
    ...(stored.certificate && { serial: stored.certificate.serial }),
  };
}

/** A request with everything that an administrator has to see. */
export function requestDetail(stored: StoredRequest, now: number): RequestDetail {
  const proven = stored.proven.map(({ type, value }) => `${type}:${value}`);
  return { ...requestRecord(stored, now), proven, csr: stored.csr };
}

import type {
  AuditAction,
  AuditActor,
  ProfileName,
  RecordedProfile,
  RevocationReason,
  San,
} from '@countersign/protocol';
import type { Selectable } from 'kysely';
import type {
  AuditDetails,
  CertificateState,
  NewCertificate,
  StoredAudit,
  StoredCertificate,
  StoredFeedChange,
  StoredRevocation,
  StoredToken,
} from '../../domain/ports.ts';
import type { Tables } from './schema.ts';

// What was written here was typed when it was written; the casts only give the columns' text its type back.

export function certificateFromRow(row: Selectable<Tables['certificates']>): StoredCertificate {
  return {
    id: row.id,
    issuer: row.issuer,
    serial: row.serial,
    name: row.name,
    profile: row.profile as RecordedProfile,
    sans: JSON.parse(row.sans) as San[],
    notBefore: row.not_before,
    lifetimeSeconds: row.lifetime_seconds,
    issuedAt: row.issued_at,
    spkiSha256: row.spki_sha256,
    fingerprintSha256: row.fingerprint_sha256,
    partition: row.partition,
    der: row.der,
    ...stateFromRow(row),
  };
}

/** What of a certificate changes, and how long it matters. */
export function stateFromRow(
  row: Pick<Selectable<Tables['certificates']>, 'not_after' | 'revoked_at' | 'reason'>,
): CertificateState {
  const { not_after: notAfter, revoked_at: revokedAt } = row;
  return {
    notAfter,
    revocation: revokedAt === null ? undefined : { reason: row.reason as RevocationReason, revokedAt },
  };
}

export function rowFromCertificate(certificate: NewCertificate): Omit<Selectable<Tables['certificates']>, 'id'> {
  return {
    issuer: certificate.issuer,
    serial: certificate.serial,
    name: certificate.name,
    profile: certificate.profile,
    sans: JSON.stringify(certificate.sans),
    not_before: certificate.notBefore,
    not_after: certificate.notAfter,
    lifetime_seconds: certificate.lifetimeSeconds,
    issued_at: certificate.issuedAt,
    spki_sha256: certificate.spkiSha256,
    fingerprint_sha256: certificate.fingerprintSha256,
    partition: certificate.partition,
    der: certificate.der,
    revoked_at: null,
    reason: null,
  };
}

/** The columns of a revocation, wherever it stands. */
interface RevocationRow {
  issuer: string | null;
  serial: string | null;
  reason: string | null;
  revoked_at: number | null;
  not_after: number | null;
}

export function revocationFromRow(row: RevocationRow): StoredRevocation {
  return {
    issuer: row.issuer ?? '',
    serial: row.serial ?? '',
    reason: row.reason as RevocationReason,
    revokedAt: row.revoked_at ?? 0,
    notAfter: row.not_after ?? 0,
  };
}

export function changeFromRow(row: Selectable<Tables['changes']>): StoredFeedChange {
  if (row.type === 'bundle') return { type: 'bundle', seq: row.seq, generation: row.generation ?? 0 };
  if (row.type === 'released') return { type: 'released', seq: row.seq, ...revocationFromRow(row) };
  const replaces = row.replaces === null ? {} : { replaces: row.replaces as RevocationReason };
  return { type: 'revoked', seq: row.seq, ...revocationFromRow(row), ...replaces };
}

export function tokenFromRow(row: Selectable<Tables['tokens']>): StoredToken {
  return {
    hash: row.hash,
    name: row.name,
    profile: row.profile as ProfileName,
    sans: JSON.parse(row.sans) as San[],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}

export function auditFromRow(row: Selectable<Tables['audit']>): StoredAudit {
  return {
    seq: row.seq,
    at: row.at,
    action: row.action as AuditAction,
    actor: JSON.parse(row.actor) as AuditActor,
    details: JSON.parse(row.details) as AuditDetails,
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

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
  CrlScope,
  NewCertificate,
  Revocation,
  StoredAudit,
  StoredCa,
  StoredCertificate,
  StoredCrl,
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
export function stateFromRow(row: RevokedColumns & { not_after: number }): CertificateState {
  return { notAfter: row.not_after, revocation: revocationOfRow(row) };
}

/** The columns that say whether something was revoked. */
interface RevokedColumns {
  revoked_at: number | null;
  reason: string | null;
  invalidity_date?: number | null;
}

export function revocationOfRow(row: RevokedColumns): Revocation | undefined {
  const { revoked_at: revokedAt, reason, invalidity_date: invalidityDate } = row;
  if (revokedAt === null) return undefined;
  const revocation = { reason: reason as RevocationReason, revokedAt };
  return invalidityDate === null || invalidityDate === undefined ? revocation : { ...revocation, invalidityDate };
}

export function caFromRow(row: Selectable<Tables['cas']>): StoredCa {
  const { id, key_hash: keyHash, der, created_at: createdAt, partitions } = row;
  return { id, keyHash, der, createdAt, partitions, revocation: revocationOfRow(row) };
}

export function crlFromRow(row: Selectable<Tables['crls']>): StoredCrl {
  const { scope, this_update: thisUpdate, next_update: nextUpdate } = row;
  const { base_number: number, base_seq: seq, base_at: at, ...rest } = row;
  const { issuer, entries, bytes, shown } = rest;
  const crl = { issuer, scope: crlScopeOf(scope), number: rest.number, thisUpdate, nextUpdate, entries, bytes };
  const base = number === null || seq === null || at === null ? {} : { base: { number, seq, at } };
  return { ...crl, seq: rest.seq, shown, ...base };
}

export function crlScopeOf(text: string): CrlScope {
  return text === 'full' || text === 'delta' ? text : Number(text);
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
    invalidity_date: null,
  };
}

/** The columns of a revocation, wherever it stands. */
interface RevocationRow extends RevokedColumns {
  issuer: string | null;
  serial: string | null;
  not_after: number | null;
}

export function revocationFromRow(row: RevocationRow): StoredRevocation {
  return {
    issuer: row.issuer ?? '',
    serial: row.serial ?? '',
    reason: row.reason as RevocationReason,
    revokedAt: row.revoked_at ?? 0,
    notAfter: row.not_after ?? 0,
    ...(row.invalidity_date === null ? {} : { invalidityDate: row.invalidity_date }),
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
    request: row.request ?? undefined,
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

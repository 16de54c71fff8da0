import { z } from 'zod';
import { sha256HexSchema, timestampSchema } from './names.ts';

/** What an audit record can be about. */
export const auditActions = [
  'authority.initialized',
  'authority.issuing_renewed',
  'authority.issuing_revoked',
  'authority.restored',
  'authority.started',
  'root.exported',
  'root.removed',
  'root.crl_signed',
  'certificate.issued',
  'certificate.renewed',
  'certificate.revoked',
  'certificate.released',
  'key.generated',
  'identity.allowed',
  'request.created',
  'request.approved',
  'request.denied',
  'request.expired',
  'token.created',
  'token.redeemed',
  'token.revoked',
  'backup.made',
  'acme.account_created',
  'acme.account_deactivated',
  'acme.key_changed',
  'acme.eab_created',
  'acme.eab_removed',
] as const;
/** What was done, as an audit record names it. */
export const auditActionSchema = z.enum(auditActions);
export type AuditAction = z.infer<typeof auditActionSchema>;

/** Who did it, and through which door. */
export const auditActorSchema = z.strictObject({
  kind: z.enum(['local', 'admin', 'gateway', 'holder', 'token', 'acme', 'factory', 'authority']),
  name: z.string().optional(),
  serial: z.string().optional(),
});
export type AuditActor = z.infer<typeof auditActorSchema>;

/** One link of the audit chain: `hash` is the SHA-256 of `auditSigningInput`, which contains the hash of the record before. */
export const auditRecordSchema = z.strictObject({
  seq: z.int().min(1),
  at: timestampSchema,
  action: auditActionSchema,
  actor: auditActorSchema,
  details: z.record(z.string(), z.json()),
  previousHash: sha256HexSchema,
  hash: sha256HexSchema,
});
export type AuditRecord = z.infer<typeof auditRecordSchema>;

/** The text that a record's hash is taken over. */
export function auditSigningInput(record: Omit<AuditRecord, 'hash'>): string {
  const { seq, at, action, actor, details, previousHash } = record;
  return JSON.stringify([
    seq,
    at,
    action,
    [actor.kind, actor.name ?? null, actor.serial ?? null],
    details,
    previousHash,
  ]);
}

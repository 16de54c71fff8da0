import type { Generated } from 'kysely';

/** The tables, the same in every database. Times are milliseconds since the epoch; lists and objects are JSON text. */
export interface Tables {
  meta: { key: string; value: string };
  cas: { id: string; key_hash: string; der: Uint8Array; created_at: number };
  certificates: {
    id: Generated<number>;
    issuer: string;
    serial: string;
    name: string;
    profile: string;
    sans: string;
    not_before: number;
    not_after: number;
    lifetime_seconds: number;
    issued_at: number;
    spki_sha256: string;
    fingerprint_sha256: string;
    partition: number;
    der: Uint8Array;
    revoked_at: number | null;
    reason: string | null;
  };
  tokens: {
    hash: string;
    name: string;
    profile: string;
    sans: string;
    created_at: number;
    expires_at: number;
    used_at: number | null;
    serial: string | null;
    revoked_at: number | null;
  };
  changes: {
    seq: Generated<number>;
    type: string;
    issuer: string | null;
    serial: string | null;
    reason: string | null;
    revoked_at: number | null;
    not_after: number | null;
    generation: number | null;
  };
  crls: {
    issuer: string;
    partition: number;
    number: number;
    this_update: number;
    next_update: number;
    entries: number;
    der: Uint8Array;
  };
  audit: {
    seq: number;
    at: number;
    action: string;
    actor: string;
    details: string;
    previous_hash: string;
    hash: string;
  };
}

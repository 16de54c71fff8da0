import { acmeTables } from './acme-schema.ts';
import { optional, table } from './describe.ts';
import { bytes, counter, integer, text } from './describe.ts';
import type { RowsOf } from './describe.ts';

/** The version of the tables below. A store of another version is refused with `unknown_format`. */
export const schemaVersion = 1;

/**
 * Every table, for every database. Times are milliseconds since the epoch; lists and objects are JSON text. The revoked certificates
 * have indexes of their own, so that a CRL, a snapshot or the question whether a key was revoked reads only them.
 */
export const tables = {
  meta: table({ columns: { key: text, value: text }, primaryKey: ['key'] }),
  cas: table({
    columns: {
      id: text,
      key_hash: text,
      der: bytes,
      created_at: integer,
      partitions: integer,
      revoked_at: optional(integer),
      reason: optional(text),
    },
    primaryKey: ['id'],
  }),
  certificates: table({
    columns: {
      id: counter,
      issuer: text,
      serial: text,
      name: text,
      profile: text,
      sans: text,
      not_before: integer,
      not_after: integer,
      lifetime_seconds: integer,
      issued_at: integer,
      spki_sha256: text,
      fingerprint_sha256: text,
      partition: integer,
      der: bytes,
      revoked_at: optional(integer),
      reason: optional(text),
      invalidity_date: optional(integer),
    },
    primaryKey: ['id'],
    checks: ['(revoked_at is null) = (reason is null)'],
    indexes: {
      certificates_serial: { on: ['serial', 'issuer'], unique: true },
      certificates_name: { on: ['name', 'not_after'] },
      certificates_key: { on: ['spki_sha256'], where: 'revoked_at is not null' },
      // Everything a CRL tells: it is read from here alone, without a look at the certificates.
      certificates_revoked: {
        on: ['issuer', 'partition', 'serial', 'not_after', 'revoked_at', 'reason', 'invalidity_date'],
        where: 'revoked_at is not null',
      },
      certificates_revocations: { on: ['issuer', 'serial'], where: 'revoked_at is not null' },
    },
  }),
  tokens: table({
    columns: {
      hash: text,
      name: text,
      profile: text,
      sans: text,
      created_at: integer,
      expires_at: integer,
      used_at: optional(integer),
      serial: optional(text),
      revoked_at: optional(integer),
      request: optional(text),
    },
    primaryKey: ['hash'],
    indexes: {
      tokens_name: { on: ['name'], where: 'used_at is null and revoked_at is null' },
      tokens_end: { on: ['expires_at'] },
    },
  }),
  /** The feed. `seq` is commit order without a gap: writes come one after another, each takes the number after the last. */
  changes: table({
    columns: {
      seq: integer,
      at: integer,
      type: text,
      issuer: optional(text),
      serial: optional(text),
      reason: optional(text),
      revoked_at: optional(integer),
      not_after: optional(integer),
      invalidity_date: optional(integer),
      generation: optional(integer),
      replaces: optional(text),
    },
    primaryKey: ['seq'],
    indexes: { changes_at: { on: ['at'] } },
  }),
  /** The CRLs in force: of a CA one for each scope, a number for a partition, or `full`, or `delta`. Their octets are in `crl_pieces`. */
  crls: table({
    columns: {
      issuer: text,
      scope: text,
      number: integer,
      this_update: integer,
      next_update: integer,
      entries: integer,
      bytes: integer,
      seq: integer,
      shown: integer,
      /** Of a long list: the one that was in force before, which may still be being read. */
      before: optional(integer),
      base_number: optional(integer),
      base_seq: optional(integer),
      base_at: optional(integer),
    },
    primaryKey: ['issuer', 'scope'],
  }),
  crl_pieces: table({
    columns: { issuer: text, scope: text, number: integer, piece: integer, der: bytes },
    primaryKey: ['issuer', 'scope', 'number', 'piece'],
  }),
  /** The last number of each sequence, and how many changes there have been that a CRL of the scope has to show. */
  crl_scopes: table({
    columns: { issuer: text, scope: text, number: integer, changes: integer },
    primaryKey: ['issuer', 'scope'],
  }),
  /** The bases of URLs that certificates of a CA name. */
  crl_bases: table({ columns: { issuer: text, base: text, since: integer }, primaryKey: ['issuer', 'base'] }),
  /** Names that nobody gets a certificate for: see domain/blocks.ts. */
  blocks: table({
    columns: { name: text, holder: text, reason: text, serial: text, blocked_at: integer },
    primaryKey: ['name', 'holder'],
    indexes: { blocks_holder: { on: ['holder'] } },
  }),
  /** Up to when a holder's revocations close no door any more: an administrator has allowed it. */
  allowances: table({ columns: { holder: text, until: integer }, primaryKey: ['holder'] }),
  /** Requests that wait, or waited, for an administrator: see domain/approval. What is only read as a whole is the JSON `document`. */
  requests: table({
    columns: {
      id: text,
      owner: text,
      digest: text,
      status: text,
      created_at: integer,
      expires_at: integer,
      keep_until: integer,
      document: text,
    },
    primaryKey: ['id'],
    indexes: {
      requests_owner: { on: ['owner', 'digest'], unique: true },
      requests_order: { on: ['created_at', 'id'] },
      requests_pending: { on: ['expires_at'], where: "status = 'pending'" },
      requests_end: { on: ['keep_until'] },
    },
  }),
  audit: table({
    columns: { seq: integer, at: integer, action: text, actor: text, details: text, previous_hash: text, hash: text },
    primaryKey: ['seq'],
  }),
  ...acmeTables,
} as const;

/** The tables as Kysely's types. */
export type Tables = RowsOf<typeof tables>;

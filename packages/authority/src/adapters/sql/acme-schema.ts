import { bytes, integer, optional, table, text } from './describe.ts';

/**
 * The tables of ACME. What is only ever read and written as a whole is the JSON `document` of its row; columns are what is asked for.
 * Certificates are named as `ISSUER:SERIAL`.
 */
export const acmeTables = {
  acme_accounts: table({
    columns: { id: text, thumbprint: text, eab: optional(text), document: text },
    primaryKey: ['id'],
    indexes: {
      acme_accounts_key: { on: ['thumbprint'], unique: true },
      acme_accounts_eab: { on: ['eab'], where: 'eab is not null' },
    },
  }),
  acme_orders: table({
    columns: {
      id: text,
      account: text,
      version: integer,
      status: text,
      created_at: integer,
      expires_at: integer,
      keep_until: integer,
      replaces: optional(text),
      certificate: optional(text),
      lease_until: optional(integer),
      lease_by: optional(text),
      document: text,
    },
    primaryKey: ['id'],
    indexes: {
      acme_orders_account: { on: ['account', 'created_at', 'id'] },
      acme_orders_open: { on: ['account', 'expires_at'], where: "status in ('pending', 'ready', 'processing')" },
      acme_orders_end: { on: ['keep_until'] },
      acme_orders_replaces: { on: ['replaces'], where: 'replaces is not null' },
      acme_orders_certificate: { on: ['certificate'], where: 'certificate is not null' },
      acme_orders_lease: { on: ['lease_until'], where: 'lease_until is not null' },
    },
  }),
  acme_eab_keys: table({
    columns: { id: text, name: text, sealed: bytes, policy: text, created_at: integer, expires_at: integer },
    primaryKey: ['id'],
  }),
  /** Nonces that were used, where several nodes share the store. */
  acme_nonces: table({
    columns: { nonce: text, expires_at: integer },
    primaryKey: ['nonce'],
    indexes: { acme_nonces_end: { on: ['expires_at'] } },
  }),
} as const;

import type { Selectable } from 'kysely';
import type { AcmeAccount, AcmeOrder, CertificateId, EabKey, EabPolicy } from '../../domain/acme/records.ts';
import type { Tables } from './schema.ts';

// What was written here was typed when it was written; the casts only give the documents' text its type back.

export function certificateText({ issuer, serial }: CertificateId): string {
  return `${issuer}:${serial}`;
}

export function accountFromRow({ document }: Pick<Selectable<Tables['acme_accounts']>, 'document'>): AcmeAccount {
  return JSON.parse(document) as AcmeAccount;
}

export function rowFromAccount(account: AcmeAccount): Selectable<Tables['acme_accounts']> {
  const { id, thumbprint, eab } = account;
  return { id, thumbprint, eab: eab ?? null, document: JSON.stringify(account) };
}

export function orderFromRow({ document }: Pick<Selectable<Tables['acme_orders']>, 'document'>): AcmeOrder {
  return JSON.parse(document) as AcmeOrder;
}

export function rowFromOrder(order: AcmeOrder): Selectable<Tables['acme_orders']> {
  const { id, account, version, status, replaces, certificate } = order;
  return {
    id,
    account,
    version,
    status,
    created_at: order.createdAt,
    expires_at: order.expiresAt,
    keep_until: order.keepUntil,
    replaces: replaces === undefined ? null : certificateText(replaces),
    certificate: certificate === undefined ? null : certificateText(certificate),
    lease_until: order.leaseUntil ?? null,
    lease_by: order.leaseBy ?? null,
    document: JSON.stringify(order),
  };
}

export function eabFromRow(row: Selectable<Tables['acme_eab_keys']>): EabKey {
  return {
    id: row.id,
    name: row.name,
    sealed: row.sealed,
    policy: JSON.parse(row.policy) as EabPolicy,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

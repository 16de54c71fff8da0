import type { Kysely } from 'kysely';
import type { AcmeReader } from '../../domain/acme/records.ts';
import { accountFromRow, certificateText, eabFromRow, orderFromRow } from './acme-rows.ts';
import type { Tables } from './schema.ts';

/** ACME's questions as SQL that every database understands. */
export function acmeReader(db: Kysely<Tables>): AcmeReader {
  const orders = () => db.selectFrom('acme_orders');

  return {
    acmeAccount: async (id) => {
      const row = await db.selectFrom('acme_accounts').select('document').where('id', '=', id).executeTakeFirst();
      return row && accountFromRow(row);
    },
    acmeAccountByKey: async (thumbprint) => {
      const query = db.selectFrom('acme_accounts').select('document').where('thumbprint', '=', thumbprint);
      const row = await query.executeTakeFirst();
      return row && accountFromRow(row);
    },
    acmeOrder: async (id) => {
      const row = await orders().select('document').where('id', '=', id).executeTakeFirst();
      return row && orderFromRow(row);
    },
    acmeOrdersOf: async (account, after, limit) => {
      let query = orders().select('id').where('account', '=', account);
      if (after !== undefined) {
        const place = await orders()
          .select(['created_at', 'id'])
          .where('id', '=', after)
          .where('account', '=', account)
          .executeTakeFirst();
        if (place === undefined) return [];
        query = query.where((eb) =>
          eb.or([
            eb('created_at', '>', place.created_at),
            eb.and([eb('created_at', '=', place.created_at), eb('id', '>', place.id)]),
          ]),
        );
      }
      return (await query.orderBy('created_at').orderBy('id').limit(limit).execute()).map(({ id }) => id);
    },
    acmeOpenOrders: async (account, now) => {
      const { open } = await orders()
        .select(({ fn }) => fn.countAll<number>().as('open'))
        .where('account', '=', account)
        .where('status', 'in', ['pending', 'ready', 'processing'])
        .where('expires_at', '>=', now)
        .executeTakeFirstOrThrow();
      return open;
    },
    acmeOrdersWithAuthority: async (account, now, limit) => {
      const query = orders()
        .select('document')
        .where('account', '=', account)
        .where('status', 'in', ['pending', 'ready', 'processing', 'valid'])
        .where('expires_at', '>=', now);
      return (await query.orderBy('created_at', 'desc').limit(limit).execute()).map(orderFromRow);
    },
    acmeOrderOfCertificate: async (certificate) => {
      const row = await orders()
        .select('document')
        .where('certificate', '=', certificateText(certificate))
        .executeTakeFirst();
      return row && orderFromRow(row);
    },
    acmeIsReplaced: async (certificate) => {
      const query = orders().select('id').where('replaces', '=', certificateText(certificate));
      return (await query.where('status', '!=', 'invalid').limit(1).execute()).length > 0;
    },
    acmeUnattended: async (now, node, limit) => {
      const query = orders()
        .select('document')
        .where('lease_until', 'is not', null)
        .where((eb) =>
          eb.or([eb('lease_until', '<', now), ...(node === undefined ? [] : [eb('lease_by', '=', node)])]),
        );
      return (await query.orderBy('lease_until').limit(limit).execute()).map(orderFromRow);
    },
    eabKey: async (id) => {
      const row = await db.selectFrom('acme_eab_keys').selectAll().where('id', '=', id).executeTakeFirst();
      return row && eabFromRow(row);
    },
    eabKeys: async () =>
      (await db.selectFrom('acme_eab_keys').selectAll().orderBy('created_at').orderBy('id').execute()).map(eabFromRow),
    acmeAccountsBound: async (eab) => {
      const { bound } = await db
        .selectFrom('acme_accounts')
        .select(({ fn }) => fn.countAll<number>().as('bound'))
        .where('eab', '=', eab)
        .executeTakeFirstOrThrow();
      return bound;
    },
  };
}

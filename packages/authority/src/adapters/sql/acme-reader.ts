import { sql } from 'kysely';
import type { Kysely, Selectable } from 'kysely';
import type { AcmeReader } from '../../domain/acme/records.ts';
import { accountFromRow, certificateText, eabFromRow, orderFromRow } from './acme-rows.ts';
import { preparing } from './prepared.ts';
import type { Run } from './prepared.ts';
import type { Tables } from './schema.ts';

/** ACME's questions as SQL that every database understands. */
export function acmeReader(db: Kysely<Tables>, run: Run): AcmeReader {
  const orders = () => db.selectFrom('acme_orders');
  // What every request asks.
  const prepare = preparing(run);
  const findAccount = prepare<{ id: string }, { document: string }>((place) =>
    db.selectFrom('acme_accounts').select('document').where('id', '=', place('id')),
  );
  const findOrder = prepare<{ id: string }, { document: string }>((place) =>
    orders().select('document').where('id', '=', place('id')),
  );
  const countOpen = prepare<{ account: string; now: number }, { open: number }>((place) =>
    orders()
      .select(({ fn }) => fn.countAll<number>().as('open'))
      .where('account', '=', place('account'))
      // As the partial index has it: of values that are given later SQLite cannot know that it holds them.
      .where('status', 'in', sql<string>`('pending', 'ready', 'processing')`)
      .where('expires_at', '>=', place('now')),
  );
  const findEabKey = prepare<{ id: string }, Selectable<Tables['acme_eab_keys']>>((place) =>
    db.selectFrom('acme_eab_keys').selectAll().where('id', '=', place('id')),
  );

  return {
    acmeAccount: async (id) => {
      const [row] = (await findAccount({ id })).rows;
      return row && accountFromRow(row);
    },
    acmeAccountByKey: async (thumbprint) => {
      const query = db.selectFrom('acme_accounts').select('document').where('thumbprint', '=', thumbprint);
      const row = await query.executeTakeFirst();
      return row && accountFromRow(row);
    },
    acmeOrder: async (id) => {
      const [row] = (await findOrder({ id })).rows;
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
    acmeOpenOrders: async (account, now) => (await countOpen({ account, now })).rows[0]?.open ?? 0,
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
      const [row] = (await findEabKey({ id })).rows;
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

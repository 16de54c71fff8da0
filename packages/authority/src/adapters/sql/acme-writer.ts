import type { Kysely, Selectable } from 'kysely';
import type { AcmeWriter } from '../../domain/acme/records.ts';
import { rowFromAccount, rowFromOrder } from './acme-rows.ts';
import { preparing } from './prepared.ts';
import type { Place, Run } from './prepared.ts';
import type { Tables } from './schema.ts';

/** ACME's changes as SQL that every database understands; `db` is in a transaction. */
export function acmeWriter(db: Kysely<Tables>, run: Run): AcmeWriter {
  const prepare = preparing(run);
  type OrderRow = Selectable<Tables['acme_orders']>;
  // An update names what can change and nothing else: SQLite writes every index anew that has one of the columns.
  const changing = (place: Place<OrderRow>) => ({
    version: place('version'),
    status: place('status'),
    expires_at: place('expires_at'),
    keep_until: place('keep_until'),
    certificate: place('certificate'),
    lease_until: place('lease_until'),
    lease_by: place('lease_by'),
    document: place('document'),
  });
  const insertOrder = prepare<OrderRow>((place) =>
    db.insertInto('acme_orders').values({
      id: place('id'),
      account: place('account'),
      created_at: place('created_at'),
      replaces: place('replaces'),
      ...changing(place),
    }),
  );
  const updateOrder = prepare<OrderRow & { before: number }>((place) =>
    db
      .updateTable('acme_orders')
      .set(changing(place))
      .where('id', '=', place('id'))
      .where('version', '=', place('before')),
  );
  return {
    addAcmeAccount: async (account) => {
      const result = await db
        .insertInto('acme_accounts')
        .values(rowFromAccount(account))
        .onConflict((conflict) => conflict.column('thumbprint').doNothing())
        .executeTakeFirst();
      return Number(result.numInsertedOrUpdatedRows) === 1;
    },
    changeAcmeAccount: async (account) => {
      const { id, ...values } = rowFromAccount(account);
      const holder = await db
        .selectFrom('acme_accounts')
        .select('id')
        .where('thumbprint', '=', values.thumbprint)
        .executeTakeFirst();
      if (holder !== undefined && holder.id !== id) return false;
      await db.updateTable('acme_accounts').set(values).where('id', '=', id).execute();
      return true;
    },
    addAcmeOrder: async (order) => {
      await insertOrder(rowFromOrder(order));
    },
    changeAcmeOrder: async (order) => {
      return (await updateOrder({ ...rowFromOrder(order), before: order.version - 1 })).changed === 1;
    },
    addEabKey: async ({ id, name, sealed, policy, createdAt, expiresAt }) => {
      const times = { created_at: createdAt, expires_at: expiresAt };
      await db
        .insertInto('acme_eab_keys')
        .values({ id, name, sealed, policy: JSON.stringify(policy), ...times })
        .execute();
    },
    removeEabKey: async (id) => {
      const result = await db.deleteFrom('acme_eab_keys').where('id', '=', id).executeTakeFirst();
      return Number(result.numDeletedRows) === 1;
    },
    claimAcmeNonces: async (nonces, expiresAt) => {
      const rows = await db
        .insertInto('acme_nonces')
        .values(nonces.map((nonce) => ({ nonce, expires_at: expiresAt })))
        .onConflict((conflict) => conflict.column('nonce').doNothing())
        .returning('nonce')
        .execute();
      return new Set(rows.map(({ nonce }) => nonce));
    },
    collectAcme: async (now) => {
      await db.deleteFrom('acme_nonces').where('expires_at', '<', now).execute();
      const result = await db.deleteFrom('acme_orders').where('keep_until', '<', now).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

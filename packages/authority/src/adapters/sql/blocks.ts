import type { RevocationReason } from '@countersign/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { BlockReader, BlockWriter, StoredBlock } from '../../domain/blocks.ts';
import { preparing } from './prepared.ts';
import type { Run } from './prepared.ts';
import type { Tables } from './schema.ts';

function fromRow(row: Selectable<Tables['blocks']>): StoredBlock {
  const { name, holder, serial, blocked_at: blockedAt } = row;
  return { name, holder, reason: row.reason as RevocationReason, serial, blockedAt };
}

/** What databases take as parameters of one statement, all of them. */
const atOnce = 500;

/** The store's questions about blocked names. */
export function blockReader(db: Kysely<Tables>, run: Run): BlockReader {
  // Every issuance asks, and mostly there is none at all.
  const findAny = preparing(run)<Record<string, never>>(() => db.selectFrom('blocks').select('name').limit(1));
  return {
    blocksOf: async (names) => {
      const found: StoredBlock[] = [];
      if ((await findAny({})).rows.length === 0) return found;
      for (let i = 0; i < names.length; i += atOnce) {
        const some = names.slice(i, i + atOnce);
        found.push(...(await db.selectFrom('blocks').selectAll().where('name', 'in', some).execute()).map(fromRow));
      }
      return found;
    },
    blocks: async () =>
      (await db.selectFrom('blocks').selectAll().orderBy('holder').orderBy('name').execute()).map(fromRow),
    blocksBy: async (holder) =>
      (await db.selectFrom('blocks').selectAll().where('holder', '=', holder).orderBy('name').execute()).map(fromRow),
    lastRevocation: async (holder) => {
      const row = await db
        .selectFrom('certificates')
        .select(['reason', 'revoked_at'])
        .where('name', '=', holder)
        .where('revoked_at', 'is not', null)
        .where('reason', '<>', 'superseded')
        .orderBy('revoked_at', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row === undefined || row.revoked_at === null
        ? undefined
        : { reason: row.reason as RevocationReason, revokedAt: row.revoked_at };
    },
    forgivenUntil: async (holder) =>
      (await db.selectFrom('allowances').select('until').where('holder', '=', holder).executeTakeFirst())?.until,
  };
}

/** The store's changes of blocked names; `db` is in a transaction. */
export function blockWriter(db: Kysely<Tables>): BlockWriter {
  return {
    addBlock: async ({ name, holder, reason, serial, blockedAt }) => {
      await db
        .insertInto('blocks')
        .values({ name, holder, reason, serial, blocked_at: blockedAt })
        .onConflict((conflict) => conflict.columns(['name', 'holder']).doNothing())
        .execute();
    },
    removeBlocks: async (holder) => {
      await db.deleteFrom('blocks').where('holder', '=', holder).execute();
    },
    forgive: async (holder, until) => {
      await db
        .insertInto('allowances')
        .values({ holder, until })
        .onConflict((conflict) => conflict.column('holder').doUpdateSet({ until }))
        .execute();
    },
  };
}

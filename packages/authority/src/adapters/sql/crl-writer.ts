import type { Kysely } from 'kysely';
import type { StoreWriter } from '../../domain/ports.ts';
import type { Tables } from './schema.ts';

type CrlWriter = Pick<
  StoreWriter,
  'countCrlChange' | 'nextCrlNumber' | 'addCrlPiece' | 'saveCrl' | 'dropCrlPieces' | 'addCrlBase'
>;

/** The store's changes of CRLs; `db` is in a transaction, and writes come one after another. */
export function sqlCrlWriter(db: Kysely<Tables>, crlNumbersFrom: () => Promise<number>): CrlWriter {
  return {
    countCrlChange: async (issuer, scope) => {
      await db
        .insertInto('crl_scopes')
        .values({ issuer, scope: String(scope), number: 0, changes: 1 })
        .onConflict((conflict) =>
          conflict.columns(['issuer', 'scope']).doUpdateSet((eb) => ({ changes: eb('crl_scopes.changes', '+', 1) })),
        )
        .execute();
    },
    nextCrlNumber: async (issuer, scope) => {
      const last = await db
        .selectFrom('crl_scopes')
        .select('number')
        .where('issuer', '=', issuer)
        .where('scope', '=', String(scope))
        .executeTakeFirst();
      const number = Math.max(last?.number ?? 0, await crlNumbersFrom()) + 1;
      await db
        .insertInto('crl_scopes')
        .values({ issuer, scope: String(scope), number, changes: 0 })
        .onConflict((conflict) => conflict.columns(['issuer', 'scope']).doUpdateSet({ number }))
        .execute();
      return number;
    },
    addCrlPiece: async (issuer, scope, number, piece, der) => {
      await db
        .insertInto('crl_pieces')
        .values({ issuer, scope: String(scope), number, piece, der })
        .execute();
    },
    saveCrl: async ({ issuer, number, thisUpdate, nextUpdate, entries, bytes, seq, shown, base, ...crl }) => {
      const scope = String(crl.scope);
      const before = await db
        .selectFrom('crls')
        .select(['number', 'bytes'])
        .where('issuer', '=', issuer)
        .where('scope', '=', scope)
        .executeTakeFirst();
      const pieces = db.deleteFrom('crl_pieces').where('issuer', '=', issuer).where('scope', '=', scope);
      if (before !== undefined && before.number > number) {
        await pieces.where('number', '=', number).execute();
        return false;
      }
      // A long one is still being sent to whoever began to read it: the one before stays until the next.
      const isAfterLong = before !== undefined && (await isLong(issuer, scope, before.number));
      const values = {
        number,
        before: isAfterLong ? before.number : null,
        entries,
        bytes,
        seq,
        shown,
        this_update: thisUpdate,
        next_update: nextUpdate,
        base_number: base?.number ?? null,
        base_seq: base?.seq ?? null,
        base_at: base?.at ?? null,
      };
      await db
        .insertInto('crls')
        .values({ issuer, scope, ...values })
        .onConflict((conflict) => conflict.columns(['issuer', 'scope']).doUpdateSet(values))
        .execute();
      if (!isAfterLong) await pieces.where('number', '<', number).execute();
      return true;
    },
    dropCrlPieces: async (issuer, scope, limit) => {
      const list = await db
        .selectFrom('crls')
        .select(['number', 'before'])
        .where('issuer', '=', issuer)
        .where('scope', '=', String(scope))
        .executeTakeFirst();
      if (list === undefined) return 0;
      // Those of a build that never ended go too, whatever their number; one that goes on has a higher number, or will not be in force.
      const dropped = await db
        .selectFrom('crl_pieces')
        .select(['number', 'piece'])
        .where('issuer', '=', issuer)
        .where('scope', '=', String(scope))
        .where('number', '<', list.number)
        .where('number', '!=', list.before ?? list.number)
        .orderBy('number')
        .orderBy('piece')
        .limit(limit)
        .execute();
      for (const { number, piece } of dropped) {
        await db
          .deleteFrom('crl_pieces')
          .where('issuer', '=', issuer)
          .where('scope', '=', String(scope))
          .where('number', '=', number)
          .where('piece', '=', piece)
          .execute();
      }
      return dropped.length;
    },
    addCrlBase: async (issuer, base, since) => {
      const added = await db
        .insertInto('crl_bases')
        .values({ issuer, base, since })
        .onConflict((conflict) => conflict.columns(['issuer', 'base']).doNothing())
        .executeTakeFirst();
      return added.numInsertedOrUpdatedRows === 1n;
    },
  };

  async function isLong(issuer: string, scope: string, number: number): Promise<boolean> {
    const second = await db
      .selectFrom('crl_pieces')
      .select('piece')
      .where('issuer', '=', issuer)
      .where('scope', '=', scope)
      .where('number', '=', number)
      .where('piece', '=', 1)
      .executeTakeFirst();
    return second !== undefined;
  }
}

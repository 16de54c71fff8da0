import type { Kysely } from 'kysely';
import type { RevocationChange, StoreReader } from '../../domain/ports.ts';
import { changeFromRow, crlFromRow, crlScopeOf, revocationFromRow } from './rows.ts';
import type { Tables } from './schema.ts';

type CrlReader = Pick<
  StoreReader,
  'revocationsOf' | 'revocationChanges' | 'crl' | 'crls' | 'crlPiece' | 'crlSequences' | 'crlChanges' | 'crlBases'
>;

/** The store's questions about CRLs. */
export function sqlCrlReader(db: Kysely<Tables>): CrlReader {
  return {
    revocationsOf: async (issuer, partition, endsFrom, afterSerial, limit) => {
      const rows = await db
        .selectFrom('certificates')
        .select(['serial', 'reason', 'revoked_at', 'not_after', 'invalidity_date'])
        .where('issuer', '=', issuer)
        .where('partition', '=', partition)
        .where('serial', '>', afterSerial)
        .where('revoked_at', 'is not', null)
        .where('not_after', '>=', endsFrom)
        .orderBy('serial')
        .limit(limit)
        .execute();
      return rows.map((row) => revocationFromRow({ issuer, ...row }));
    },
    revocationChanges: async (issuer, afterSeq, limit) => {
      const rows = await db
        .selectFrom('changes')
        .selectAll()
        .where('seq', '>', afterSeq)
        .where('issuer', '=', issuer)
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map(changeFromRow).filter((change): change is RevocationChange => change.type !== 'bundle');
    },
    crl: async (issuer, scope) => {
      const row = await db
        .selectFrom('crls')
        .selectAll()
        .where('issuer', '=', issuer)
        .where('scope', '=', String(scope))
        .executeTakeFirst();
      return row && crlFromRow(row);
    },
    crls: async (issuer) =>
      (await db.selectFrom('crls').selectAll().where('issuer', '=', issuer).execute()).map(crlFromRow),
    crlPiece: async (issuer, scope, number, piece) => {
      const row = await db
        .selectFrom('crl_pieces')
        .select('der')
        .where('issuer', '=', issuer)
        .where('scope', '=', String(scope))
        .where('number', '=', number)
        .where('piece', '=', piece)
        .executeTakeFirst();
      return row?.der;
    },
    crlSequences: async (issuer) => {
      const rows = await db.selectFrom('crl_scopes').selectAll().where('issuer', '=', issuer).execute();
      return rows.map(({ scope, number, changes }) => {
        const known = crlScopeOf(scope);
        return { scope: known === 'delta' ? 'full' : known, number, changes };
      });
    },
    crlChanges: async (issuer, scope) => {
      const row = await db
        .selectFrom('crl_scopes')
        .select('changes')
        .where('issuer', '=', issuer)
        .where('scope', '=', String(scope))
        .executeTakeFirst();
      return row?.changes ?? 0;
    },
    crlBases: async (issuer) => {
      const query = db.selectFrom('crl_bases').select('base').where('issuer', '=', issuer);
      return (await query.orderBy('since', 'desc').orderBy('base').execute()).map(({ base }) => base);
    },
  };
}

import type { Kysely } from 'kysely';
import type { RevocationReason } from '@countersign/protocol';
import type { RevocationChange, StoredRevocation, StoreReader } from '../../domain/ports.ts';
import { preparingLists } from './prepared.ts';
import type { Run } from './prepared.ts';
import { changeFromRow, crlFromRow, crlScopeOf } from './rows.ts';
import type { Tables } from './schema.ts';

type CrlReader = Pick<
  StoreReader,
  'revocationsOf' | 'revocationChanges' | 'crl' | 'crls' | 'crlPiece' | 'crlSequences' | 'crlChanges' | 'crlBases'
>;

/** What a page of a partition is asked by. */
type PageValues = {
  readonly issuer: string;
  readonly partition: number;
  readonly afterSerial: string;
  readonly endsFrom: number;
  readonly limit: number;
};

type RevokedColumns = readonly [
  serial: string,
  reason: string,
  revokedAt: number,
  notAfter: number,
  invalidityDate: number | null,
];

/** The store's questions about CRLs. */
export function sqlCrlReader(db: Kysely<Tables>, run: Run): CrlReader {
  // A long list is a thousand of these pages.
  const findPage = preparingLists(run)<PageValues, RevokedColumns>((place) =>
    db
      .selectFrom('certificates')
      .select(['serial', 'reason', 'revoked_at', 'not_after', 'invalidity_date'])
      .where('issuer', '=', place('issuer'))
      .where('partition', '=', place('partition'))
      .where('serial', '>', place('afterSerial'))
      .where('revoked_at', 'is not', null)
      .where('not_after', '>=', place('endsFrom'))
      .orderBy('serial')
      .limit(place('limit')),
  );
  return {
    revocationsOf: async (issuer, partition, endsFrom, afterSerial, limit) => {
      const rows = await findPage({ issuer, partition, endsFrom, afterSerial, limit });
      return rows.map(([serial, reason, revokedAt, notAfter, invalidityDate]): StoredRevocation => {
        const revocation = { issuer, serial, reason: reason as RevocationReason, revokedAt, notAfter };
        return invalidityDate === null ? revocation : { ...revocation, invalidityDate };
      });
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

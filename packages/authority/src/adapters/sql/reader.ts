import type { Kysely, Selectable } from 'kysely';
import type { CertificateFilter, StoreReader, StoreState } from '../../domain/ports.ts';
import { acmeReader } from './acme-reader.ts';
import {
  auditFromRow,
  caFromRow,
  certificateFromRow,
  changeFromRow,
  revocationFromRow,
  stateFromRow,
  tokenFromRow,
} from './rows.ts';
import { sqlCrlReader } from './crl-reader.ts';
import { preparing, throughKysely } from './prepared.ts';
import type { Run } from './prepared.ts';
import { blockReader } from './blocks.ts';
import { requestReader } from './requests.ts';
import type { Tables } from './schema.ts';

const revocationColumns = ['issuer', 'serial', 'reason', 'revoked_at', 'not_after', 'invalidity_date'] as const;

/** The store's questions as SQL that every database understands. */
export function sqlReader(db: Kysely<Tables>, run: Run = throughKysely(db)): StoreReader {
  const prepare = preparing(run);
  const meta = async (key: string): Promise<string | undefined> =>
    (await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value;

  async function state(): Promise<StoreState> {
    const last = await db.selectFrom('changes').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst();
    return {
      epoch: (await meta('epoch')) ?? '',
      generation: Number((await meta('generation')) ?? 0),
      seq: last?.seq ?? 0,
      crlNumbersFrom: Number((await meta('crl_numbers_from')) ?? 0),
    };
  }

  async function listCertificates(filter: CertificateFilter, now: number) {
    let query = db.selectFrom('certificates').selectAll().where('id', '>', filter.afterId);
    if (filter.name !== undefined) query = query.where('name', '=', filter.name);
    if (filter.status === 'valid') query = query.where('revoked_at', 'is', null).where('not_after', '>=', now);
    if (filter.status === 'expired') query = query.where('revoked_at', 'is', null).where('not_after', '<', now);
    if (filter.status === 'held') query = query.where('reason', '=', 'certificateHold');
    if (filter.status === 'revoked') query = query.where('reason', '!=', 'certificateHold');
    return (await query.orderBy('id').limit(filter.limit).execute()).map(certificateFromRow);
  }

  async function countCertificates(now: number) {
    return db
      .selectFrom('certificates')
      .select(({ fn, eb }) => [
        fn.countAll<number>().as('total'),
        fn.count<number>(eb.case().when('revoked_at', 'is not', null).then(1).end()).as('revoked'),
        fn
          .count<number>(
            eb
              .case()
              .when(eb.and([eb('revoked_at', 'is', null), eb('not_after', '>=', now)]))
              .then(1)
              .end(),
          )
          .as('valid'),
      ])
      .executeTakeFirstOrThrow();
  }

  const findCertificate = prepare<{ issuer: string; serial: string }, Selectable<Tables['certificates']>>((place) =>
    db
      .selectFrom('certificates')
      .selectAll()
      .where('serial', '=', place('serial'))
      .where('issuer', '=', place('issuer')),
  );
  const findState = prepare<{ issuer: string; serial: string }, Parameters<typeof stateFromRow>[0]>((place) =>
    db
      .selectFrom('certificates')
      .select(['not_after', 'revoked_at', 'reason', 'invalidity_date'])
      .where('serial', '=', place('serial'))
      .where('issuer', '=', place('issuer')),
  );
  const findRevokedKey = prepare<{ spkiSha256: string }>((place) =>
    db
      .selectFrom('certificates')
      .select('id')
      .where('spki_sha256', '=', place('spkiSha256'))
      .where('revoked_at', 'is not', null)
      .limit(1),
  );
  const findAuditTail = prepare<Record<string, never>, { seq: number; hash: string }>(() =>
    db.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1),
  );
  const findToken = prepare<{ hash: string }, Selectable<Tables['tokens']>>((place) =>
    db.selectFrom('tokens').selectAll().where('hash', '=', place('hash')),
  );

  return {
    ...acmeReader(db, run),
    ...blockReader(db, run),
    ...requestReader(db),
    state,
    listCertificates,
    countCertificates,
    ...sqlCrlReader(db, run),
    certificate: async (issuer, serial) => {
      const [row] = (await findCertificate({ issuer, serial })).rows;
      return row && certificateFromRow(row);
    },
    certificateState: async (issuer, serial) => {
      const [row] = (await findState({ issuer, serial })).rows;
      return row && stateFromRow(row);
    },
    certificateStates: async (beforeId, endsFrom, limit) => {
      const rows = await db
        .selectFrom('certificates')
        .select(['id', 'issuer', 'serial', 'not_after', 'revoked_at', 'reason', 'invalidity_date'])
        .where('id', '<', beforeId)
        .where('not_after', '>=', endsFrom)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ id: row.id, issuer: row.issuer, serial: row.serial, ...stateFromRow(row) }));
    },
    certificatesBySerial: async (serial) =>
      (await db.selectFrom('certificates').selectAll().where('serial', '=', serial).execute()).map(certificateFromRow),
    certificatesByName: async (name, now) =>
      (
        await db
          .selectFrom('certificates')
          .selectAll()
          .where('name', '=', name)
          .where('not_after', '>=', now)
          .orderBy('id')
          .execute()
      ).map(certificateFromRow),
    nameIsKnown: async (name) => {
      const certificate = await db.selectFrom('certificates').select('id').where('name', '=', name).limit(1).execute();
      if (certificate.length > 0) return true;
      return (await db.selectFrom('tokens').select('hash').where('name', '=', name).limit(1).execute()).length > 0;
    },
    keyIsRevoked: async (spkiSha256) => (await findRevokedKey({ spkiSha256 })).rows.length > 0,
    isRevoked: async (issuer, serial) => {
      const row = await db
        .selectFrom('certificates')
        .select('revoked_at')
        .where('serial', '=', serial)
        .where('issuer', '=', issuer)
        .executeTakeFirst();
      return row !== undefined && row.revoked_at !== null;
    },
    revocationsAfter: async (after, endsFrom, limit) => {
      let query = db
        .selectFrom('certificates')
        .select(revocationColumns)
        .where('revoked_at', 'is not', null)
        .where('not_after', '>=', endsFrom);
      if (after !== undefined) {
        const { issuer, serial } = after;
        query = query.where((eb) => eb(eb.refTuple('issuer', 'serial'), '>', eb.tuple(issuer, serial)));
      }
      return (await query.orderBy('issuer').orderBy('serial').limit(limit).execute()).map(revocationFromRow);
    },
    token: async (hash) => {
      const [row] = (await findToken({ hash })).rows;
      return row && tokenFromRow(row);
    },
    changesAfter: async (seq, limit) =>
      (await db.selectFrom('changes').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit).execute()).map(
        changeFromRow,
      ),
    cas: async () =>
      (await db.selectFrom('cas').selectAll().orderBy('created_at').orderBy('id').execute()).map(caFromRow),
    auditTail: async () => (await findAuditTail({})).rows[0],
    auditAfter: async (seq, limit) =>
      (await db.selectFrom('audit').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit).execute()).map(
        auditFromRow,
      ),
  };
}

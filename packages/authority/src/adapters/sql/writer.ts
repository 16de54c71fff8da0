import type { Kysely, Selectable } from 'kysely';
import type { Revocation, StoreWriter } from '../../domain/ports.ts';
import { acmeWriter } from './acme-writer.ts';
import { preparing, throughKysely } from './prepared.ts';
import type { Run } from './prepared.ts';
import { sqlReader } from './reader.ts';
import { sqlCrlWriter } from './crl-writer.ts';
import { rowFromCertificate } from './rows.ts';
import { blockWriter } from './blocks.ts';
import { requestWriter } from './requests.ts';
import type { Tables } from './schema.ts';

/** The store's changes as SQL that every database understands; `db` is in a transaction. */
export function sqlWriter(db: Kysely<Tables>, run: Run = throughKysely(db)): StoreWriter {
  const reader = sqlReader(db, run);
  const prepare = preparing(run);
  const insertCertificate = prepare<ReturnType<typeof rowFromCertificate>>((place) =>
    db.insertInto('certificates').values({
      issuer: place('issuer'),
      serial: place('serial'),
      name: place('name'),
      profile: place('profile'),
      sans: place('sans'),
      not_before: place('not_before'),
      not_after: place('not_after'),
      lifetime_seconds: place('lifetime_seconds'),
      issued_at: place('issued_at'),
      spki_sha256: place('spki_sha256'),
      fingerprint_sha256: place('fingerprint_sha256'),
      partition: place('partition'),
      der: place('der'),
      revoked_at: place('revoked_at'),
      reason: place('reason'),
      invalidity_date: place('invalidity_date'),
    }),
  );
  const insertAudit = prepare<Selectable<Tables['audit']>>((place) =>
    db.insertInto('audit').values({
      seq: place('seq'),
      at: place('at'),
      action: place('action'),
      actor: place('actor'),
      details: place('details'),
      previous_hash: place('previous_hash'),
      hash: place('hash'),
    }),
  );

  async function setMeta(key: string, value: string): Promise<void> {
    await db
      .insertInto('meta')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute();
  }

  return {
    ...reader,
    ...acmeWriter(db, run),
    ...blockWriter(db),
    ...requestWriter(db),
    ...sqlCrlWriter(db, async () => (await reader.state()).crlNumbersFrom),
    addCertificate: async (certificate) => {
      await insertCertificate(rowFromCertificate(certificate));
    },
    revokeCertificate: async (id, revocation) => {
      await db.updateTable('certificates').set(revokedColumns(revocation)).where('id', '=', id).execute();
    },
    releaseCertificate: async (id) => {
      await db
        .updateTable('certificates')
        .set({ reason: null, revoked_at: null, invalidity_date: null })
        .where('id', '=', id)
        .where('reason', '=', 'certificateHold')
        .execute();
    },
    addToken: async (token) => {
      await db
        .insertInto('tokens')
        .values({
          hash: token.hash,
          name: token.name,
          profile: token.profile,
          sans: JSON.stringify(token.sans),
          created_at: token.createdAt,
          expires_at: token.expiresAt,
        })
        .execute();
    },
    // One statement asks and answers: of any number of redemptions at once, one finds the token unused.
    useToken: async (hash, at, serial, request) => {
      const open = db
        .updateTable('tokens')
        .set({ used_at: at, serial: serial ?? null })
        .where('hash', '=', hash)
        .where('used_at', 'is', null)
        .where('revoked_at', 'is', null);
      // What waits for an administrator came in time.
      const ours =
        request === undefined
          ? open.where('request', 'is', null).where('expires_at', '>=', at)
          : open.where('request', '=', request);
      return (await ours.executeTakeFirst()).numUpdatedRows === 1n;
    },
    bindToken: async (hash, at, request) => {
      const result = await db
        .updateTable('tokens')
        .set({ request })
        .where('hash', '=', hash)
        .where('request', 'is', null)
        .where('used_at', 'is', null)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>=', at)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    revokeTokens: async (name, at) => {
      const result = await db
        .updateTable('tokens')
        .set({ revoked_at: at })
        .where('name', '=', name)
        .where('used_at', 'is', null)
        .where('revoked_at', 'is', null)
        .where((eb) => eb.or([eb('expires_at', '>=', at), eb('request', 'is not', null)]))
        .executeTakeFirst();
      return Number(result.numUpdatedRows);
    },
    addChange: async (change, at) => {
      const row =
        change.type === 'bundle'
          ? { type: change.type, generation: change.generation }
          : {
              type: change.type,
              issuer: change.issuer,
              serial: change.serial,
              reason: change.reason,
              revoked_at: change.revokedAt,
              not_after: change.notAfter,
              invalidity_date: change.invalidityDate ?? null,
              replaces: change.type === 'revoked' ? (change.replaces ?? null) : null,
            };
      const added = await db
        .insertInto('changes')
        .values((values) => ({
          ...row,
          at,
          seq: values
            .selectFrom('changes')
            .select(({ fn, eb }) => eb(fn.coalesce(fn.max('seq'), eb.lit(0)), '+', eb.lit(1)).as('next')),
        }))
        .returning('seq')
        .executeTakeFirstOrThrow();
      return added.seq;
    },
    addCa: async (ca) => {
      await db
        .insertInto('cas')
        .values({
          id: ca.id,
          key_hash: ca.keyHash,
          der: ca.der,
          created_at: ca.createdAt,
          partitions: ca.partitions,
          revoked_at: null,
          reason: null,
        })
        .execute();
    },
    revokeCa: async (id, { reason, revokedAt }) => {
      await db.updateTable('cas').set({ reason, revoked_at: revokedAt }).where('id', '=', id).execute();
    },
    setGeneration: (generation) => setMeta('generation', String(generation)),
    beginEpoch: async (epoch, crlNumbersFrom) => {
      await setMeta('epoch', epoch);
      await setMeta('crl_numbers_from', String(crlNumbersFrom));
    },
    pruneChanges: async (before, most) => {
      const { seq } = await reader.state();
      const result = await db
        .deleteFrom('changes')
        .where('seq', '<', seq)
        .where((eb) => eb.or([eb('at', '<', before), eb('seq', '<=', seq - most)]))
        .executeTakeFirst();
      return Number(result.numDeletedRows);
    },
    pruneTokens: async (before) => {
      const result = await db.deleteFrom('tokens').where('expires_at', '<', before).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
    addAudit: async (record) => {
      await insertAudit({
        seq: record.seq,
        at: record.at,
        action: record.action,
        actor: JSON.stringify(record.actor),
        details: JSON.stringify(record.details),
        previous_hash: record.previousHash,
        hash: record.hash,
      });
    },
  };
}

function revokedColumns({ reason, revokedAt, invalidityDate }: Revocation) {
  return { reason, revoked_at: revokedAt, invalidity_date: invalidityDate ?? null };
}

import type { Kysely, Selectable } from 'kysely';
import type { RequestReader, RequestWriter, StoredRequest } from '../../domain/approval/records.ts';
import type { Tables } from './schema.ts';

// What was written here was typed when it was written; the cast only gives the document's text its type back.

function fromRow({ document }: Pick<Selectable<Tables['requests']>, 'document'>): StoredRequest {
  return JSON.parse(document) as StoredRequest;
}

function rowOf(request: StoredRequest): Selectable<Tables['requests']> {
  const { id, owner, digest, status, createdAt, expiresAt, keepUntil } = request;
  const times = { created_at: createdAt, expires_at: expiresAt, keep_until: keepUntil };
  return { id, owner, digest, status, ...times, document: JSON.stringify(request) };
}

/** The store's questions about requests that wait for an administrator. */
export function requestReader(db: Kysely<Tables>): RequestReader {
  const requests = () => db.selectFrom('requests');
  return {
    request: async (id) => {
      const row = await requests().select('document').where('id', '=', id).executeTakeFirst();
      return row && fromRow(row);
    },
    requestOf: async (owner, digest) => {
      const query = requests().select('document').where('owner', '=', owner).where('digest', '=', digest);
      const row = await query.executeTakeFirst();
      return row && fromRow(row);
    },
    listRequests: async ({ status, after, limit }, now) => {
      let query = requests().select('document');
      if (status === 'pending') query = query.where('status', '=', status).where('expires_at', '>=', now);
      else if (status === 'expired')
        query = query.where((eb) =>
          eb.or([eb('status', '=', status), eb.and([eb('status', '=', 'pending'), eb('expires_at', '<', now)])]),
        );
      else if (status !== undefined) query = query.where('status', '=', status);
      if (after !== undefined) {
        const place = await requests().select(['created_at', 'id']).where('id', '=', after).executeTakeFirst();
        if (place === undefined) return [];
        query = query.where((eb) =>
          eb.or([
            eb('created_at', '>', place.created_at),
            eb.and([eb('created_at', '=', place.created_at), eb('id', '>', place.id)]),
          ]),
        );
      }
      return (await query.orderBy('created_at').orderBy('id').limit(limit).execute()).map(fromRow);
    },
    countRequestsOf: async (owner) => {
      const { kept } = await requests()
        .select(({ fn }) => fn.countAll<number>().as('kept'))
        .where('owner', '=', owner)
        .executeTakeFirstOrThrow();
      return kept;
    },
    countPendingRequests: async () => {
      const { waiting } = await requests()
        .select(({ fn }) => fn.countAll<number>().as('waiting'))
        .where('status', '=', 'pending')
        .executeTakeFirstOrThrow();
      return waiting;
    },
    overdueRequests: async (now, limit) => {
      const query = requests().select('document').where('status', '=', 'pending').where('expires_at', '<', now);
      return (await query.orderBy('expires_at').limit(limit).execute()).map(fromRow);
    },
  };
}

/** The store's changes of requests; `db` is in a transaction. */
export function requestWriter(db: Kysely<Tables>): RequestWriter {
  return {
    addRequest: async (request) => {
      await db.insertInto('requests').values(rowOf(request)).execute();
    },
    // One statement asks and answers: of any number of decisions at once, one finds the request waiting.
    settleRequest: async (request) => {
      const { id, ...values } = rowOf(request);
      const result = await db
        .updateTable('requests')
        .set(values)
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .executeTakeFirst();
      return Number(result.numUpdatedRows) === 1;
    },
    removeRequest: async (id) => {
      await db.deleteFrom('requests').where('id', '=', id).execute();
    },
    pruneRequests: async (now) => {
      const result = await db.deleteFrom('requests').where('keep_until', '<', now).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

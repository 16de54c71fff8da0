import { DatabaseSync } from 'node:sqlite';
import { after, before, describe } from 'node:test';
import { startPostgres, temporaryFolder, withoutPostgres } from '@countersign/testkit';
import type { PostgresServer } from '@countersign/testkit';
import { createPostgresStore, openPostgresStore } from '../../src/adapters/postgres/store.ts';
import { createSqliteStore, openSqliteStore } from '../../src/adapters/sqlite/store.ts';
import type { PostgresSettings } from '../../src/adapters/postgres/settings.ts';
import type { Store } from '../../src/domain/ports.ts';

/** A fresh place for a store. Closing it again is the test's. */
export interface StorePlace extends Disposable {
  /** A file's path, or a database's URL. */
  readonly where: string;
  /** Runs SQL there, past the store; the first column of what it answers, as text. */
  raw(sql: string): string[];
  /** Opens the store there; each call is a node of its own. */
  open(): Promise<Store>;
}

/** A kind of store that tests run on. */
export interface StoreKind {
  readonly name: 'SQLite' | 'PostgreSQL';
  readonly skip: string | false;
  place(): Promise<StorePlace>;
}

const sqlite: StoreKind = {
  name: 'SQLite',
  skip: false,
  place: async () => {
    const folder = temporaryFolder('countersign-store-');
    const where = folder.in('authority.sqlite');
    createSqliteStore(where);
    return {
      where,
      raw: (sql) => {
        const database = new DatabaseSync(where);
        try {
          return database
            .prepare(sql)
            .all()
            .map((row) => String(Object.values(row)[0]));
        } finally {
          database.close();
        }
      },
      open: async () => openSqliteStore(where),
      [Symbol.dispose]: () => folder[Symbol.dispose](),
    };
  },
};

let server: Promise<{ running: PostgresServer; url: string }> | undefined;

/** The server that the tests of this process share. */
export function sharedServer(): Promise<{ running: PostgresServer; url: string }> {
  server ??= startPostgres().then((running) => ({ running, url: running.database() }));
  return server;
}

after(async () => {
  await (await server)?.running[Symbol.asyncDispose]();
});

let schemas = 0;

/** A fresh schema on the server that the tests share. */
export async function freshSchema(): Promise<PostgresSettings> {
  schemas += 1;
  const settings = { url: (await sharedServer()).url, schema: `t${schemas}` };
  await createPostgresStore(settings);
  return settings;
}

const postgres: StoreKind = {
  name: 'PostgreSQL',
  skip: withoutPostgres,
  place: async () => {
    const settings = await freshSchema();
    const { running } = await sharedServer();
    return {
      where: settings.url,
      raw: (sql) => running.sql(settings.url, `set search_path to ${settings.schema}; ${sql}`).split('\n').slice(0, -1),
      open: () => openPostgresStore(settings),
      [Symbol.dispose]: () => undefined,
    };
  },
};

let current = sqlite;

/** The kind of store that the test under way is to run on. */
export function currentStore(): StoreKind {
  return current;
}

/** A suite that holds on every kind of store: it runs once on each. */
export function describeOnEachStore(name: string, suite: () => void): void {
  for (const kind of [sqlite, postgres]) {
    describe(`${name} (${kind.name})`, { skip: kind.skip }, () => {
      before(() => {
        current = kind;
      });
      after(() => {
        current = sqlite;
      });
      suite();
    });
  }
}

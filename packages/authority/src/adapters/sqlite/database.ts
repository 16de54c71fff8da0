import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { AuthorityError } from '../../errors.ts';
import type { Answer, Run } from '../sql/prepared.ts';
import type { Tables } from '../sql/schema.ts';

/** One connection: the raw one for transactions, and Kysely over it for everything else. */
export interface SqliteConnection {
  readonly raw: DatabaseSync;
  readonly db: Kysely<Tables>;
  /** Runs a statement on it without Kysely. */
  readonly run: Run;
}

/** Opens a connection. A commit is on the disk when it returns; readers never wait for the writer. */
export function openConnection(path: string, readOnly: boolean): SqliteConnection {
  const raw = new DatabaseSync(path, { readOnly, timeout: 5000 });
  if (!readOnly) raw.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;');
  // Pages that many certificates share go back into the file once: a thousand, SQLite's default, are a few commits.
  raw.exec('pragma cache_size = -32000; pragma wal_autocheckpoint = 8000;');
  const database = kyselyDatabase(raw);
  return {
    raw,
    db: new Kysely<Tables>({ dialect: new SqliteDialect({ database }) }),
    run: Object.assign(
      async (sql: string, parameters: readonly unknown[]): Promise<Answer> => {
        const statement = database.prepare(sql);
        if (statement.reader) return { rows: statement.all(parameters), changed: 0 };
        return { rows: [], changed: Number(statement.run(parameters).changes) };
      },
      { lists: listing(raw) },
    ),
  };
}

/** Asks for rows as lists of values, each statement prepared once. */
function listing(raw: DatabaseSync): NonNullable<Run['lists']> {
  const statements = new Map<string, StatementSync>();
  return async (sql, parameters) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = raw.prepare(sql);
      statement.setReturnArrays(true);
      statements.set(sql, statement);
    }
    // Arrays, whatever the declared type says.
    return statement.all(...(parameters as SQLInputValue[])) as unknown as readonly (readonly unknown[])[];
  };
}

/** The shape of better-sqlite3 that Kysely expects, over node:sqlite, each statement prepared once. */
function kyselyDatabase(raw: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  return {
    close: () => {
      statements.clear();
      raw.close();
    },
    prepare: (sql) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      if (statements.size >= 200) statements.clear();
      const statement = kyselyStatement(raw.prepare(sql));
      statements.set(sql, statement);
      return statement;
    },
  };
}

function kyselyStatement(statement: StatementSync): SqliteStatement {
  // Kysely's own type says unknown; what it gives are the values of our tables.
  const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}

// https://www.sqlite.org/rescode.html: the primary code is the low byte.
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
const SQLITE_IOERR_WRITE = 778;

/** SQLite's failures as our own; anything else as it is. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const primary = error.errcode & 0xff;
  if (primary === SQLITE_FULL || error.errcode === SQLITE_IOERR_WRITE) {
    return new AuthorityError('storage_full', `nothing was changed (${error.message})`, { cause: error });
  }
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return new AuthorityError('store_corrupt', `restore a backup (${error.message})`, { cause: error });
  }
  return new AuthorityError('storage_failed', error.message, { cause: error });
}

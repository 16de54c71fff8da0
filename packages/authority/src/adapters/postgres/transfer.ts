import { AuthorityError } from '../../errors.ts';
import { tables } from '../sql/schema.ts';
import { copyTables } from '../sql/transfer.ts';
import { createSqliteStore } from '../sqlite/store.ts';
import { openConnection } from '../sqlite/database.ts';
import { clientConfig } from './client-config.ts';
import { Connection } from './connection.ts';
import type { PostgresSettings } from './settings.ts';
import { checkVersion, createPostgresStore } from './store.ts';

/** No time limit: a large store takes its time to be carried, and nobody waits for a lock of it. */
const patient = { statement_timeout: 0, query_timeout: 0 } as const;

/** Copies a store that may be in use into a new SQLite file: the copy is its state at one moment. */
export async function copyFromPostgres(settings: PostgresSettings, path: string): Promise<void> {
  const connection = await Connection.open({ ...clientConfig(settings), ...patient });
  try {
    await connection.run('begin isolation level repeatable read, read only');
    await checkVersion(connection);
    createSqliteStore(path);
    const file = openConnection(path, false);
    try {
      file.raw.exec('begin');
      await copyTables(connection.db, file.db);
      file.raw.exec('commit');
    } finally {
      file.raw.close();
    }
  } finally {
    await connection.close();
  }
}

/**
 * Carries a SQLite store into a database that holds no authority, all of it or nothing. Throws AuthorityError `already_initialized`,
 * `storage_failed`.
 */
export async function copyToPostgres(path: string, settings: PostgresSettings): Promise<void> {
  await createPostgresStore(settings);
  const connection = await Connection.open({ ...clientConfig(settings), ...patient });
  const file = openConnection(path, true);
  try {
    await connection.run('begin');
    await connection.run(`lock table ${Object.keys(tables).join(', ')} in exclusive mode`);
    const { rows } = await connection.run('select id from cas limit 1');
    if (rows.length > 0) throw new AuthorityError('already_initialized', 'the database holds an authority');
    await connection.run("delete from meta where key <> 'schema_version'");
    await copyTables(file.db, connection.db);
    // The next certificate is numbered behind those that came with their numbers.
    await connection.run(
      "select setval(pg_get_serial_sequence('certificates', 'id'), coalesce((select max(id) from certificates), 0) + 1, false)",
    );
    await connection.run('commit');
  } finally {
    file.raw.close();
    await connection.close();
  }
}

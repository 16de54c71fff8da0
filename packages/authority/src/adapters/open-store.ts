import { existsSync } from 'node:fs';
import { AuthorityError } from '../errors.ts';
import type { Store } from '../domain/ports.ts';
import type { DataFolder } from './data-folder.ts';
import { readIfThere, writeFileDurably } from './files.ts';
import type { PostgresSettings } from './postgres/settings.ts';
import { createPostgresStore, openPostgresStore } from './postgres/store.ts';
import { createSqliteStore, openSqliteStore } from './sqlite/store.ts';

/** A database elsewhere, in place of the file in the data folder. */
export interface DatabaseSettings {
  readonly postgres: PostgresSettings;
}

/** Which database a folder's authority is in: undefined for the file in the folder. */
export async function rememberedDatabase(folder: DataFolder): Promise<DatabaseSettings | undefined> {
  const content = await readIfThere(folder.database);
  if (content === undefined) return undefined;
  try {
    // What was written here was typed when it was written.
    return JSON.parse(Buffer.from(content).toString('utf8')) as DatabaseSettings;
  } catch (error) {
    throw new AuthorityError('folder_broken', `${folder.database} cannot be read`, { cause: error });
  }
}

/** Writes down which database it is, for commands that are told the folder alone. There is no password in it. */
export async function rememberDatabase(folder: DataFolder, database: DatabaseSettings): Promise<void> {
  const known = await readIfThere(folder.database);
  const content = `${JSON.stringify(database, undefined, 2)}\n`;
  if (known === undefined || Buffer.from(known).toString('utf8') !== content) {
    await writeFileDurably(folder.database, content, 0o600);
  }
}

/**
 * Opens the store of a folder's authority: `database` where it is given, else the one that the folder remembers, else the file in the
 * folder. Throws AuthorityError: `unknown_format`, `not_initialized`, `store_corrupt`, `storage_failed`, `invalid_option`,
 * `folder_broken`.
 */
export async function openStore(folder: DataFolder, database?: DatabaseSettings): Promise<Store> {
  const chosen = database ?? (await rememberedDatabase(folder));
  if (chosen === undefined) return openSqliteStore(folder.store);
  refuseTwoStores(folder);
  return openPostgresStore(chosen.postgres);
}

/** Makes the tables and opens the store for an authority that is about to be made or restored. */
export async function makeStore(path: string, database: DatabaseSettings | undefined): Promise<Store> {
  if (database === undefined) {
    createSqliteStore(path);
    return openSqliteStore(path);
  }
  await createPostgresStore(database.postgres);
  return openPostgresStore(database.postgres);
}

/** Throws `already_initialized` where the database holds an authority. */
export async function refuseInhabited(store: Store): Promise<void> {
  if ((await store.cas()).length === 0) return;
  throw new AuthorityError(
    'already_initialized',
    'the database holds one; another node of it gets a copy of the data folder (docs/configuration.md)',
  );
}

/** Two stores of one folder would be two histories of one PKI. */
export function refuseTwoStores(folder: DataFolder): void {
  if (!existsSync(folder.store)) return;
  throw new AuthorityError(
    'invalid_option',
    `${folder.store} is the store of this folder: a database elsewhere would be a second one (move it there with backup and restore)`,
  );
}

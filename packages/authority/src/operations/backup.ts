import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pack, unpack } from '../adapters/archive.ts';
import type { ArchiveEntry } from '../adapters/archive.ts';
import { checkMarker, dataFolder, isInitialized } from '../adapters/data-folder.ts';
import type { DataFolder } from '../adapters/data-folder.ts';
import { fileError, makePrivateFolder, outputError, syncFolder, systemCode } from '../adapters/files.ts';
import { openStore, refuseTwoStores, rememberDatabase, rememberedDatabase } from '../adapters/open-store.ts';
import type { DatabaseSettings } from '../adapters/open-store.ts';
import { open as unseal, seal } from '../adapters/sealed-stream.ts';
import { copyFromPostgres, copyToPostgres } from '../adapters/postgres/transfer.ts';
import { copySqliteStore, openSqliteStore } from '../adapters/sqlite/store.ts';
import { findAuditBreak, recordAudit } from '../domain/audit.ts';
import type { Store } from '../domain/ports.ts';
import { AuthorityError } from '../errors.ts';
import { surroundings } from './options.ts';
import type { Surroundings } from './options.ts';

/** What a backup is made of; passphrases are not in it. */
const storeName = 'authority.sqlite';
const markerName = 'countersign.json';
const entryName = /^(?:countersign\.json|authority\.sqlite|ca\/[a-z0-9-]+\.(?:crt|key|crl))$/u;

/** What a backup has led to. */
export interface BackedUp {
  readonly file: string;
  readonly bytes: number;
  /** The first audit record that does not follow from the one before it; undefined when all do. */
  readonly auditBreak: number | undefined;
}

/**
 * Writes everything the authority is (its CAs with their encrypted keys, its store) to one file, sealed with a passphrase. The
 * authority may run meanwhile: what is written is its state at one moment. Passphrases are not in it.
 *
 * Throws AuthorityError: `not_initialized`, `unknown_format`, `file_exists`, `file_unwritable`, `storage_full`, `invalid_option`.
 *
 * @example
 * await backup('.countersign', { out: 'backup.countersign', passphrase })
 */
export async function backup(
  dataDir: string,
  options: Surroundings & {
    readonly out: string;
    readonly passphrase: string;
    /** Hears how many bytes are written. */
    readonly onProgress?: (written: number) => void;
  },
): Promise<BackedUp> {
  const folder = dataFolder(dataDir);
  await checkMarker(folder);
  if (options.passphrase === '') throw new AuthorityError('invalid_option', 'an empty passphrase protects nothing');
  const staged = join(folder.path, `.backup-${randomBytes(6).toString('hex')}`);
  makePrivateFolder(staged);
  try {
    const copy = join(staged, storeName);
    // The store before the keys: a store never names a CA whose key came later.
    const database = await rememberedDatabase(folder);
    await (database === undefined ? copySqliteStore(folder.store, copy) : copyFromPostgres(database.postgres, copy));
    // Of the copy, so that the running authority is not kept from its work. A broken chain is told, and saved as it is.
    const auditBreak = await withCopy(copy, findAuditBreak);
    const names = (await readdir(folder.caFolder)).map((name) => `ca/${name}`).filter((name) => entryName.test(name));
    const entries: ArchiveEntry[] = [
      { name: markerName, path: folder.marker },
      { name: storeName, path: copy },
      ...names.map((name) => ({ name, path: join(folder.path, name) })),
    ];
    const file = resolve(options.out);
    const bytes = await writeNew(file, seal(pack(entries), options.passphrase), options.onProgress);
    await recordBackup(folder, options, file);
    return { file, bytes, auditBreak };
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function withCopy<T>(path: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqliteStore(path);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function writeNew(
  path: string,
  content: AsyncIterable<Uint8Array>,
  onProgress: (written: number) => void = () => undefined,
): Promise<number> {
  let bytes = 0;
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const piece of content) {
        await file.writeFile(piece);
        bytes += piece.length;
        onProgress(bytes);
      }
      await file.sync();
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return bytes;
  } catch (error) {
    throw outputError(error, path);
  }
}

async function recordBackup(folder: DataFolder, options: Surroundings, file: string): Promise<void> {
  const store = await openStore(folder);
  try {
    const now = surroundings(options).clock();
    await store.write((tx) => recordAudit(tx, now, 'backup.made', { kind: 'local' }, { file }));
  } finally {
    await store.close();
  }
}

/** What a restore has led to. */
export interface Restored {
  /** The new history of the feed: gateways take everything anew, and keep what they knew besides. */
  readonly epoch: string;
  /** CRL numbers go on above this one, so above any that was ever served. */
  readonly crlNumbersFrom: number;
  /** The first audit record that does not follow from the one before it; undefined when all do. */
  readonly auditBreak: number | undefined;
}

/**
 * Puts a backup into a data folder that holds no authority. A new epoch of the feed begins, and CRL numbers jump beyond any that was
 * served since the backup was made; the root's CRL keeps its number until `rootCrl` signs the next. A backup has one form, whichever
 * database it was made of: with `database` the store goes there, so this is also the way from one kind to the other.
 *
 * Throws AuthorityError: `already_initialized`, `folder_broken`, `wrong_passphrase`, `backup_unreadable`, `unknown_format`,
 * `storage_full`.
 */
export async function restore(
  dataDir: string,
  options: Surroundings & {
    readonly file: string;
    readonly passphrase: string;
    /** A database elsewhere, empty. Default: a file in the data folder. */
    readonly database?: DatabaseSettings;
    /** Hears how many of the file's bytes are read. */
    readonly onProgress?: (read: number, total: number) => void;
  },
): Promise<Restored> {
  const folder = dataFolder(dataDir);
  const { database } = options;
  if (isInitialized(dataDir)) throw new AuthorityError('already_initialized', folder.path);
  if (database !== undefined) refuseTwoStores(folder);
  for (const path of [folder.caFolder, folder.store]) {
    if (existsSync(path)) throw new AuthorityError('folder_broken', `${path} is in the way: move it away`);
  }
  makePrivateFolder(folder.path);
  const staged = join(folder.path, `.restore-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(staged, { mode: 0o700 });
    const content = unseal(readBackup(resolve(options.file), options.onProgress), options.passphrase);
    await unpack(content, staged, (name) => entryName.test(name));
    const from = dataFolder(staged);
    await checkRestored(from);
    const restored = await beginAnew(from.store, options);
    if (database === undefined) {
      await rename(from.store, folder.store);
      await rm(folder.database, { force: true });
    } else {
      await copyToPostgres(from.store, database.postgres);
      await rememberDatabase(folder, database);
    }
    await rename(from.caFolder, folder.caFolder);
    // The marker makes it an authority, so it comes last.
    await rename(from.marker, folder.marker);
    syncFolder(folder.path);
    return restored;
  } catch (error) {
    throw restoreError(error, options.file);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function* readBackup(
  path: string,
  onProgress: (read: number, total: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  const { size } = await stat(path);
  let read = 0;
  for await (const piece of createReadStream(path) as AsyncIterable<Uint8Array>) {
    read += piece.length;
    onProgress(read, size);
    yield piece;
  }
}

async function checkRestored(folder: DataFolder): Promise<void> {
  await checkMarker(folder);
  for (const path of [folder.store, folder.rootCertificate, folder.tokenKey]) {
    if (!existsSync(path)) throw new AuthorityError('backup_unreadable', 'a file is missing in it');
  }
}

async function beginAnew(storePath: string, options: Surroundings): Promise<Restored> {
  const { clock, random } = surroundings(options);
  return withCopy(storePath, async (store) => {
    const auditBreak = await findAuditBreak(store);
    const now = clock();
    const epoch = Buffer.from(random(16)).toString('hex');
    // Numbers are counted one by one, and a clock counts milliseconds: no authority has served as many CRLs.
    const crlNumbersFrom = now;
    await store.write(async (tx) => {
      await tx.beginEpoch(epoch, crlNumbersFrom);
      await recordAudit(tx, now, 'authority.restored', { kind: 'local' }, { epoch });
    });
    return { epoch, crlNumbersFrom, auditBreak };
  });
}

function restoreError(error: unknown, file: string): unknown {
  if (systemCode(error) === 'ENOENT')
    return new AuthorityError('backup_unreadable', `${file}: no such file`, { cause: error });
  if (error instanceof SyntaxError)
    return new AuthorityError('backup_unreadable', 'an entry is malformed', { cause: error });
  return fileError(error, file);
}

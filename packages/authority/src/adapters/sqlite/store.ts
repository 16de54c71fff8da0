import { backup, DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AuthorityError } from '../../errors.ts';
import type { Store, StoreReader, StoreWriter } from '../../domain/ports.ts';
import { sqlReader } from '../sql/reader.ts';
import { sqlWriter } from '../sql/writer.ts';
import { openConnection, storeError } from './database.ts';
import type { SqliteConnection } from './database.ts';
import { schemaVersion } from '../sql/schema.ts';
import { schema } from './schema.ts';

/** How many writes share one commit at most. */
const batchLimit = 256;

/** A write that waits for its turn. */
interface Job {
  readonly work: (tx: StoreWriter) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Makes the tables in a new file. */
export function createSqliteStore(path: string): void {
  let raw: DatabaseSync | undefined;
  try {
    ({ raw } = openConnection(path, false));
    raw.exec(`begin; ${schema} pragma user_version = ${schemaVersion}; commit;`);
  } catch (error) {
    throw storeError(error);
  } finally {
    raw?.close();
  }
}

/** Copies a store that may be in use: the copy is its state at one moment. */
export async function copySqliteStore(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
  try {
    await backup(source, to);
  } catch (error) {
    throw storeError(error);
  } finally {
    source.close();
  }
}

/** Opens an existing store; `maxPages` bounds its size. Throws AuthorityError `unknown_format`, `store_corrupt` or `storage_failed`. */
export function openSqliteStore(path: string, options: { readonly maxPages?: number } = {}): Store {
  let writer: SqliteConnection | undefined;
  try {
    writer = openConnection(path, false);
    if (options.maxPages !== undefined) writer.raw.exec(`pragma max_page_count = ${options.maxPages}`);
    const version = writer.raw.prepare('pragma user_version').get()?.['user_version'];
    if (version !== schemaVersion) {
      throw new AuthorityError(
        'unknown_format',
        `the store has version ${String(version)}, this is for ${schemaVersion}`,
      );
    }
    return new SqliteStore(writer, openConnection(path, true)).store();
  } catch (error) {
    writer?.raw.close();
    throw storeError(error);
  }
}

/**
 * The writes of one connection, one after another, several in one commit: what waits while a commit reaches the disk goes out with the
 * next. Each has a savepoint of its own, so that one that fails takes none with it.
 */
class SqliteStore {
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #listeners = new Set<() => void>();
  readonly #tx: StoreWriter;
  readonly #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  #changed = false;

  constructor(writer: SqliteConnection, reader: SqliteConnection) {
    this.#writer = writer;
    this.#reader = reader;
    const tx = sqlWriter(writer.db);
    this.#tx = {
      ...tx,
      addChange: (change, at) => {
        this.#changed = true;
        return tx.addChange(change, at);
      },
    };
  }

  store(): Store {
    return {
      ...withStoreErrors(sqlReader(this.#reader.db)),
      write: (work) => this.#write(work),
      // Between two writes nothing changes: a view takes its turn among them.
      view: (work) => this.#write(work),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      close: () => this.#close(),
    };
  }

  #write<T>(work: (tx: StoreWriter) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new AuthorityError('storage_failed', 'the store is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    this.#running ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    // What arrives in the same turn of the event loop shares the first commit.
    await nextTurn();
    while (this.#queue.length > 0) {
      await this.#runBatch(this.#queue.splice(0, batchLimit));
      await nextTurn();
    }
    this.#running = undefined;
  }

  async #runBatch(batch: readonly Job[]): Promise<void> {
    const { raw } = this.#writer;
    const settle: (() => void)[] = [];
    this.#changed = false;
    try {
      raw.exec('begin immediate');
      for (const job of batch) settle.push(await this.#runJob(job));
      raw.exec('commit');
    } catch (error) {
      // Nothing of the batch is on the disk, so none of it may be told as done.
      if (raw.isTransaction) raw.exec('rollback');
      for (const job of batch) job.reject(storeError(error));
      return;
    }
    for (const done of settle) done();
    if (this.#changed) for (const listener of this.#listeners) listener();
  }

  /** What to tell the caller after the commit. Throws where the whole transaction is lost. */
  async #runJob(job: Job): Promise<() => void> {
    const { raw } = this.#writer;
    raw.exec('savepoint job');
    try {
      const value = await job.work(this.#tx);
      if (isRefusal(value)) raw.exec('rollback to job');
      raw.exec('release job');
      return () => job.resolve(value);
    } catch (error) {
      // SQLite ends the transaction itself after a full disk and the like.
      if (!raw.isTransaction) throw error;
      raw.exec('rollback to job; release job');
      return () => job.reject(storeError(error));
    }
  }

  async #close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#reader.raw.close();
    this.#writer.raw.close();
  }
}

function isRefusal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false;
}

/** Reads outside a transaction fail with our own errors too. */
function withStoreErrors(reader: StoreReader): StoreReader {
  const wrapped = Object.entries(reader).map(([name, ask]) => {
    const asked = ask as (...parameters: unknown[]) => Promise<unknown>;
    return [
      name,
      async (...parameters: unknown[]) => {
        try {
          return await asked(...parameters);
        } catch (error) {
          throw storeError(error);
        }
      },
    ] as const;
  });
  return Object.fromEntries(wrapped) as unknown as StoreReader;
}

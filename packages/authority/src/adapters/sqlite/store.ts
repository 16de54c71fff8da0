import { backup, DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AuthorityError } from '../../errors.ts';
import type { Store, StoreReader } from '../../domain/ports.ts';
import { sqlReader } from '../sql/reader.ts';
import { readThrough, runJobs, WriteQueue } from '../sql/write-queue.ts';
import type { BatchTransaction, Job } from '../sql/write-queue.ts';
import { sqlWriter } from '../sql/writer.ts';
import { openConnection, storeError } from './database.ts';
import type { SqliteConnection } from './database.ts';
import { schemaVersion } from '../sql/schema.ts';
import { schema } from './schema.ts';

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
    return new SqliteStore(path, writer, openConnection(path, true)).store();
  } catch (error) {
    writer?.raw.close();
    throw storeError(error);
  }
}

/** The store of one file: one connection writes, one reads beside it. */
class SqliteStore {
  readonly #path: string;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #listeners = new Set<() => void>();
  readonly #transaction: BatchTransaction;
  readonly #queue = new WriteQueue((batch) => this.#runBatch(batch));
  readonly #views = new Set<DatabaseSync>();
  #changed = false;

  constructor(path: string, writer: SqliteConnection, reader: SqliteConnection) {
    this.#path = path;
    this.#writer = writer;
    this.#reader = reader;
    const tx = sqlWriter(writer.db, writer.run);
    this.#transaction = {
      writer: {
        ...tx,
        addChange: (change, at) => {
          this.#changed = true;
          return tx.addChange(change, at);
        },
      },
      run: (statements) => writer.raw.exec(statements),
      stands: () => writer.raw.isTransaction,
      explain: storeError,
    };
  }

  store(): Store {
    return {
      ...readThrough(sqlReader(this.#reader.db, this.#reader.run), withOurErrors),
      shared: false,
      write: (work) => this.#queue.write(work),
      view: (work) => this.#view(work),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      close: () => this.#close(),
    };
  }

  /**
   * A transaction that reads sees one moment, on a connection of its own, and holds up no write. SQLite answers at once: the turns of
   * everybody else are given here.
   */
  async #view<T>(work: (tx: StoreReader) => Promise<T>): Promise<T> {
    const { raw, db, run } = await withOurErrors(async () => openConnection(this.#path, true));
    const reader = readThrough(sqlReader(db, run), (question) => nextTurn().then(() => withOurErrors(question)));
    this.#views.add(raw);
    try {
      raw.exec('begin');
      return await work(reader);
    } finally {
      this.#views.delete(raw);
      if (raw.isOpen) raw.close();
    }
  }

  async #runBatch(batch: readonly Job[]): Promise<void> {
    const { raw } = this.#writer;
    let settle: (() => void)[];
    this.#changed = false;
    try {
      raw.exec('begin immediate');
      settle = await runJobs(batch, this.#transaction);
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

  async #close(): Promise<void> {
    await this.#queue.close();
    for (const view of this.#views) view.close();
    this.#reader.raw.close();
    this.#writer.raw.close();
  }
}

async function withOurErrors<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw storeError(error);
  }
}

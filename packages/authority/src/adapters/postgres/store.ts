import { sql } from 'kysely';
import type { ClientConfig } from 'pg';
import { AuthorityError } from '../../errors.ts';
import type { Store, StoreReader } from '../../domain/ports.ts';
import { sqlReader } from '../sql/reader.ts';
import { schemaVersion } from '../sql/schema.ts';
import { readThrough, runJobs, WriteQueue } from '../sql/write-queue.ts';
import type { BatchTransaction, Job } from '../sql/write-queue.ts';
import { sqlWriter } from '../sql/writer.ts';
import { clientConfig } from './client-config.ts';
import { Connection, Connections } from './connection.ts';
import { codeOf, isLost, isWorthAnotherTry, storeFailure } from './failure.ts';
import { Notices } from './notices.ts';
import { schema } from './schema.ts';
import { schemaOf } from './settings.ts';
import type { PostgresSettings } from './settings.ts';

/** The advisory lock of a schema: who holds it is the only writer of all nodes. */
const takeLock = "select pg_advisory_xact_lock(hashtext('countersign'), hashtext(current_schema()))";

/** A node that was stopped in the middle of a write holds the others up no longer than this. */
const idleInWriteMs = 5000;
/** How long a write waits for those of other nodes before it is given up. */
const lockMs = 20_000;

const readers = 8;
const tries = 4;

/** Whether there are tables of ours. */
const versionQuery = "select value from meta where key = 'schema_version'";
const undefinedTable = '42P01';

/**
 * Makes the tables in an empty database; in one that has them already, changes nothing. Several nodes may try at once. Throws
 * AuthorityError `unknown_format`, `storage_failed`.
 */
export async function createPostgresStore(settings: PostgresSettings): Promise<void> {
  const connection = await Connection.open(clientConfig(settings));
  try {
    // Two that make the same schema at once can both find none: the lock cannot be of the schema yet.
    await connection.run(`begin; select pg_advisory_xact_lock(hashtext('countersign'), 0)`);
    const name = schemaOf(settings);
    await connection.run(`create schema if not exists ${name}`);
    const { rows } = await connection.run(`select to_regclass('${name}.meta') is not null as there`);
    if (rows[0]?.['there'] === true) {
      await checkVersion(connection);
    } else {
      await connection.run(`${schema}; insert into meta values ('schema_version', '${schemaVersion}')`);
    }
    await connection.run('commit');
  } finally {
    await connection.close();
  }
}

/** Throws AuthorityError `not_initialized`, `unknown_format`. */
export async function checkVersion(connection: Connection): Promise<void> {
  let version: unknown;
  try {
    version = (await connection.run(versionQuery)).rows[0]?.['value'];
  } catch (error) {
    if (codeOf(error) !== undefinedTable) throw error;
    throw new AuthorityError('not_initialized', 'the database holds no tables of ours', { cause: error });
  }
  if (version !== String(schemaVersion)) {
    throw new AuthorityError(
      'unknown_format',
      `the store has version ${String(version)}, this is for ${schemaVersion}`,
    );
  }
}

/**
 * Opens the store in a PostgreSQL database, which any number of nodes may share. Throws AuthorityError: `invalid_option`,
 * `storage_failed`, `unknown_format`, `not_initialized`.
 */
export async function openPostgresStore(settings: PostgresSettings): Promise<Store> {
  const config = clientConfig(settings);
  const store = new PostgresStore(config, `countersign_${schemaOf(settings)}`);
  try {
    await store.open();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store.store();
}

/**
 * The writes of all nodes come one after another: each transaction begins with taking one lock that the server gives to one at a time
 * and takes back after the commit is durable and can be seen. So a write sees everything that was written before it, and the order of
 * the feed, of the audit chain and of CRL numbers is the order of commits, without a gap and without another node ever seeing a later
 * one before an earlier.
 */
class PostgresStore {
  readonly #config: ClientConfig;
  /** What nodes of this schema listen to. */
  readonly #channel: string;
  readonly #connections: Connections;
  readonly #notices: Notices;
  readonly #listeners = new Set<() => void>();
  readonly #messages = new Set<(text: string) => void>();
  readonly #queue = new WriteQueue((batch) => this.#runBatch(batch));
  #writer: Connection | undefined;
  #changed = false;
  #closed = false;

  constructor(config: ClientConfig, channel: string) {
    this.#config = config;
    this.#channel = channel;
    this.#connections = new Connections(config, readers);
    const changed = (): void => {
      for (const listener of this.#listeners) listener();
    };
    this.#notices = new Notices(config, channel, {
      onConnected: changed,
      hear: (payload) => {
        if (payload === '') changed();
        else for (const listener of this.#messages) listener(payload);
      },
    });
  }

  async open(): Promise<void> {
    this.#writer = await this.#connectWriter();
    await checkVersion(this.#writer);
    await this.#notices.start();
  }

  store(): Store {
    return {
      ...readThrough(sqlReader(this.#connections.db), retryLost),
      shared: true,
      write: (work) => this.#queue.write(work),
      view: (work) => retryLost(() => this.#view(work)),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      channel: {
        send: async (text) => {
          await sql`select pg_notify(${this.#channel}, ${text})`.execute(this.#connections.db);
        },
        onMessage: (listener) => {
          this.#messages.add(listener);
          return () => this.#messages.delete(listener);
        },
        connected: () => this.#notices.connected,
      },
      close: () => this.close(),
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.close();
    await Promise.all([this.#notices.close(), this.#writer?.close(), this.#connections.close()]);
  }

  #view<T>(work: (tx: StoreReader) => Promise<T>): Promise<T> {
    return this.#connections.withOne(async (connection) => {
      await connection.run('begin isolation level repeatable read, read only');
      const value = await work(sqlReader(connection.db));
      await connection.run('commit');
      return value;
    });
  }

  async #connectWriter(): Promise<Connection> {
    return Connection.open({
      ...this.#config,
      idle_in_transaction_session_timeout: idleInWriteMs,
      lock_timeout: lockMs,
    });
  }

  async #runBatch(batch: readonly Job[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#tryBatch(batch);
      if (outcome.settle !== undefined) {
        for (const done of outcome.settle) done();
        return;
      }
      // Once the commit was asked for nobody knows what became of it: run again, it might be done twice.
      if (outcome.committing || attempt === tries || !isWorthAnotherTry(outcome.error)) {
        for (const job of batch) job.reject(outcome.error);
        return;
      }
    }
  }

  async #tryBatch(
    batch: readonly Job[],
  ): Promise<{ settle: readonly (() => void)[] } | { settle: undefined; error: AuthorityError; committing: boolean }> {
    let connection: Connection | undefined;
    let committing = false;
    this.#changed = false;
    try {
      if (this.#writer === undefined || this.#writer.lost) this.#writer = await this.#connectWriter();
      connection = this.#writer;
      await connection.run(`begin; ${takeLock}`);
      const settle = await runJobs(batch, this.#transaction(connection));
      const notify = this.#changed ? `; notify ${this.#channel}` : '';
      await connection.run(`release job${notify}`);
      committing = true;
      const { command } = await connection.run('commit');
      if (command !== 'COMMIT') throw new AuthorityError('storage_failed', `the transaction ended with ${command}`);
      return { settle };
    } catch (error) {
      // A connection that failed in a transaction is not worth finding out about.
      if (connection !== undefined && !(await rolledBack(connection))) await connection.close();
      return { settle: undefined, error: storeFailure(error), committing };
    }
  }

  #transaction(connection: Connection): BatchTransaction {
    const tx = sqlWriter(connection.db);
    return {
      writer: {
        ...tx,
        addChange: (change, at) => {
          this.#changed = true;
          return tx.addChange(change, at);
        },
      },
      run: async (statements) => {
        await connection.run(statements);
      },
      stands: () => connection.inTransaction,
      explain: (error) => error,
    };
  }
}

async function rolledBack(connection: Connection): Promise<boolean> {
  if (connection.lost) return false;
  try {
    await connection.run('rollback');
    return true;
  } catch {
    return false;
  }
}

/** A question can be asked twice: of a connection that was lost meanwhile only the second try is told. */
async function retryLost<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!isLost(error)) throw error;
    return question();
  }
}

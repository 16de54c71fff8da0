import { setImmediate as nextTurn } from 'node:timers/promises';
import { AuthorityError } from '../../errors.ts';
import type { StoreReader, StoreWriter } from '../../domain/ports.ts';

/** How many writes share one commit at most. */
const batchLimit = 256;

/** A write that waits for its turn. */
export interface Job {
  readonly work: (tx: StoreWriter) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The writes of one process, one after another, several in one commit: what waits while a commit reaches the disk goes out with the
 * next. `runBatch` settles every job it is given and never rejects.
 */
export class WriteQueue {
  readonly #runBatch: (batch: readonly Job[]) => Promise<void>;
  readonly #queue: Job[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(runBatch: (batch: readonly Job[]) => Promise<void>) {
    this.#runBatch = runBatch;
  }

  write<T>(work: (tx: StoreWriter) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new AuthorityError('storage_failed', 'the store is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Takes nothing more; resolves when everything that was taken is settled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
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
}

/** The transaction that a batch runs in. */
export interface BatchTransaction {
  readonly writer: StoreWriter;
  /** Runs statements that answer nothing. */
  run(statements: string): Promise<void> | void;
  /** Whether the transaction is still there after something went wrong: only then can a savepoint be gone back to. */
  stands(): boolean;
  /** A failure of the database in our own words; anything else as it is. */
  explain(error: unknown): unknown;
}

/**
 * Runs each job behind a savepoint of its own, so that one that fails takes none with it. Resolves with what to tell the callers once
 * the transaction is committed; throws where the whole transaction is lost. The last savepoint is left for the commit to end.
 */
export async function runJobs(batch: readonly Job[], transaction: BatchTransaction): Promise<(() => void)[]> {
  const settle: (() => void)[] = [];
  let release = '';
  for (const job of batch) {
    await transaction.run(`${release}savepoint job`);
    release = 'release job; ';
    settle.push(await runJob(job, transaction));
  }
  return settle;
}

async function runJob(job: Job, transaction: BatchTransaction): Promise<() => void> {
  try {
    const value = await job.work(transaction.writer);
    if (isRefusal(value)) await transaction.run('rollback to job');
    return () => job.resolve(value);
  } catch (error) {
    // A database ends the transaction itself after a full disk, a lost connection and the like.
    if (!transaction.stands()) throw error;
    await transaction.run('rollback to job');
    return () => job.reject(transaction.explain(error));
  }
}

function isRefusal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'ok' in value && value.ok === false;
}

/** Every question of a reader, asked in the way of `ask`. */
export function readThrough(reader: StoreReader, ask: <T>(question: () => Promise<T>) => Promise<T>): StoreReader {
  const wrapped = Object.entries(reader).map(([name, method]) => {
    const question = method as (...parameters: unknown[]) => Promise<unknown>;
    return [name, (...parameters: unknown[]) => ask(() => question(...parameters))] as const;
  });
  return Object.fromEntries(wrapped) as unknown as StoreReader;
}

import type { FromWorker } from '../worker/messages.ts';
import type { Worker } from './worker-pool.ts';

type StatusQuery = Extract<FromWorker, { type: 'status' }>;
type Questions = StatusQuery['questions'];

/** Asks for the status of certificates; resolves when everything that can be had is told to the workers. */
export type AskStatus = (bundle: string, questions: Questions, signal?: AbortSignal) => Promise<void>;

/** The questions of workers about certificates, answered when there is an answer, and given up with those who asked. */
export class StatusQueries {
  readonly #ask: AskStatus;
  readonly #onFailed: (error: unknown) => void;
  readonly #open = new Map<Worker, Map<number, AbortController>>();

  constructor(ask: AskStatus, onFailed: (error: unknown) => void) {
    this.#ask = ask;
    this.#onFailed = onFailed;
  }

  /** A connection of a worker waits. */
  async received(worker: Worker, { query, bundle, questions }: StatusQuery): Promise<void> {
    const abort = new AbortController();
    const queries = this.#open.get(worker) ?? new Map<number, AbortController>();
    this.#open.set(worker, queries.set(query, abort));
    try {
      await this.#ask(bundle, questions, abort.signal);
    } catch (error) {
      this.#onFailed(error);
    }
    queries.delete(query);
    if (!abort.signal.aborted) worker.send({ type: 'statusTold', query });
  }

  /** It waits no longer: its connection is gone. */
  left(worker: Worker, query: number): void {
    this.#open.get(worker)?.get(query)?.abort();
  }

  /** Nobody waits for this. */
  due(bundle: string, questions: Questions): void {
    this.#ask(bundle, questions).catch((error: unknown) => this.#onFailed(error));
  }

  /** A worker has ended, and its connections with it. */
  ended(worker: Worker): void {
    for (const abort of this.#open.get(worker)?.values() ?? []) abort.abort();
    this.#open.delete(worker);
  }
}

import { MetricsTotals } from '../metrics/aggregate.ts';
import type { FromWorker } from '../worker/messages.ts';
import type { Worker } from './worker-pool.ts';

/** A worker that does not answer in this time is told of as it was the last time. */
const ANSWER_MS = 1000;

/** Asks the workers for their metrics when somebody wants them. */
export class MetricsCollector {
  readonly #workers: () => readonly Worker[];
  readonly #own: () => Promise<string>;
  readonly #totals = new MetricsTotals();
  readonly #waiting = new Map<number, Set<number>>();
  readonly #done = new Map<number, () => void>();
  #queries = 0;

  constructor(workers: () => readonly Worker[], own: () => Promise<string>) {
    this.#workers = workers;
    this.#own = own;
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    await this.#ask();
    return this.#totals.text(await this.#own());
  }

  answered(worker: Worker, { query, metrics }: Extract<FromWorker, { type: 'metrics' }>): void {
    this.#totals.update(worker.pid, metrics);
    this.#forget(query, worker.pid);
  }

  async ended(worker: Worker): Promise<void> {
    for (const query of this.#waiting.keys()) this.#forget(query, worker.pid);
    await this.#totals.retire(worker.pid);
  }

  #ask(): Promise<void> {
    const workers = this.#workers();
    const query = ++this.#queries;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#finish(query), ANSWER_MS);
      this.#waiting.set(query, new Set(workers.map((worker) => worker.pid)));
      this.#done.set(query, () => {
        clearTimeout(timer);
        resolve();
      });
      for (const worker of workers) worker.send({ type: 'metrics', query });
      if (workers.length === 0) this.#finish(query);
    });
  }

  #forget(query: number, pid: number): void {
    const waiting = this.#waiting.get(query);
    if (waiting === undefined) return;
    waiting.delete(pid);
    if (waiting.size === 0) this.#finish(query);
  }

  #finish(query: number): void {
    this.#waiting.delete(query);
    this.#done.get(query)?.();
    this.#done.delete(query);
  }
}

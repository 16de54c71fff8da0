import type { ToWorker } from '../worker/messages.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';

/** A worker, as far as news of trust go. */
export interface NewsReader {
  /** It may accept connections, so what it has not applied is not in force yet. */
  readonly mayAccept: boolean;
  /** The last news that it has applied. */
  readonly applied: number;
}

/** Everything that workers have to know of trust: what a new one is told, and what is news to all. */
export class TrustNews {
  readonly #publish: (message: ToWorker) => void;
  readonly #readers: () => readonly NewsReader[];
  /** What replaces each other has the same key; the order of the keys is the order of telling. */
  readonly #standing = new Map<string, readonly TrustUpdate[]>();
  readonly #waiting = new Map<number, (() => void)[]>();
  #sequence = 0;

  /**
   * @param publish - says something to all workers
   * @param readers - the workers there are
   */
  constructor(publish: (message: ToWorker) => void, readers: () => readonly NewsReader[]) {
    this.#publish = publish;
    this.#readers = readers;
  }

  /** Number of the last news. */
  get sequence(): number {
    return this.#sequence;
  }

  /** What a new worker is told, in this order. */
  standing(): readonly ToWorker[] {
    return [...this.#standing.values()].flat().map((update) => ({ type: 'trust', sequence: 0, update }));
  }

  /** From now on a new worker is told this under `key`; those that live are not. */
  stand(key: string, updates: readonly TrustUpdate[]): void {
    this.#standing.set(key, updates);
  }

  /** Tells all workers; resolves when every one that may accept connections has applied it. */
  tell(update: TrustUpdate): Promise<void> {
    const sequence = ++this.#sequence;
    this.#publish({ type: 'trust', sequence, update });
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(sequence);
      if (waiting === undefined) this.#waiting.set(sequence, [resolve]);
      else waiting.push(resolve);
      this.check();
    });
  }

  /** A worker has applied something, or has ended: somebody may have waited for that. */
  check(): void {
    let reached = this.#sequence;
    for (const reader of this.#readers()) if (reader.mayAccept) reached = Math.min(reached, reader.applied);
    for (const [sequence, waiting] of this.#waiting) {
      if (sequence > reached) continue;
      this.#waiting.delete(sequence);
      for (const resolve of waiting) resolve();
    }
  }
}

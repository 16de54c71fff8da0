import type { ToWorker } from '../worker/messages.ts';
import type { TrustUpdate } from '@countersign/trust';

/** A worker, as far as news of trust go. */
export interface NewsReader {
  /** It may accept connections, so what it has not applied is not in force yet. */
  readonly mayAccept: boolean;
  /** The last news that it has applied. */
  readonly applied: number;
}

/** News of trust: told to all workers, in order, and in force when every one that may accept connections has applied them. */
export class TrustNews {
  readonly #publish: (message: ToWorker) => void;
  readonly #readers: () => readonly NewsReader[];
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

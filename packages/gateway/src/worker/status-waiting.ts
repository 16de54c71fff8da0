import type { StatusAsked, StatusQuestionData, Waited } from '@countersign/trust';

export interface StatusWaitingPort {
  ask(query: number, bundle: string, questions: readonly StatusQuestionData[]): void;
  /** Nobody waits for the answer any more. */
  leave(query: number): void;
}

/** The connections of a worker that wait for the primary's word about certificates: none longer than it may. */
export class StatusWaiting {
  readonly #port: StatusWaitingPort;
  readonly #waiting = new Map<number, () => void>();
  #queries = 0;

  constructor(port: StatusWaitingPort) {
    this.#port = port;
  }

  /** Connections that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Asks, and waits. Who comes too late does not take the question back: the answer serves the next one.
   */
  ask({ bundle, questions, withinMs, left }: StatusAsked): Promise<Waited> {
    if (left.aborted) return Promise.resolve('left');
    const query = ++this.#queries;
    const { promise, resolve } = Promise.withResolvers<Waited>();
    const leave = (): void => {
      this.#port.leave(query);
      resolve('left');
    };
    const timer = setTimeout(() => resolve('late'), withinMs);
    this.#waiting.set(query, () => resolve('told'));
    left.addEventListener('abort', leave, { once: true });
    this.#port.ask(query, bundle, questions);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(query);
      left.removeEventListener('abort', leave);
    });
  }

  /** The primary has told everything that could be had. */
  told(query: number): void {
    this.#waiting.get(query)?.();
  }
}

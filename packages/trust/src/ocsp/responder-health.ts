const FAILURES_TO_REST = 3;
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 60_000;
/** Responders come from the configuration and from CAs' certificates; more than this nobody has. */
const MAX_RESPONDERS = 1024;

interface Health {
  failures: number;
  /** Milliseconds since the epoch; until then it is left alone. */
  restUntil: number;
}

export interface ResponderHealthOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  /** A responder has stopped giving answers that count, or gives them again: an operator wants to hear of it. */
  readonly onChange: (url: URL, isUp: boolean, why: string) => void;
}

/**
 * Which responders are worth asking: one that has failed several times in a row is left alone for a while, growing with each
 * failure, so that no handshake waits for a dead one; then one question tries it.
 */
export class ResponderHealth {
  readonly #options: ResponderHealthOptions;
  readonly #health = new Map<string, Health>();

  constructor(options: ResponderHealthOptions) {
    this.#options = options;
  }

  /** Whether a responder is left alone now. When its rest is over, the one who asks is the one who tries it. */
  isResting(url: URL): boolean {
    const health = this.#health.get(url.href);
    if (health === undefined || health.failures < FAILURES_TO_REST) return false;
    const now = this.#options.now();
    if (now < health.restUntil) return true;
    health.restUntil = now + this.#restOf(health.failures);
    return false;
  }

  /**
   * What came of asking.
   *
   * @param why undefined: a valid answer came.
   */
  tried(url: URL, why: string | undefined): void {
    const before = this.#health.get(url.href);
    if (why === undefined) {
      this.#health.delete(url.href);
      if (before !== undefined && before.failures >= FAILURES_TO_REST) this.#options.onChange(url, true, '');
      return;
    }
    const failures = (before?.failures ?? 0) + 1;
    if (before === undefined && this.#health.size >= MAX_RESPONDERS) {
      const [oldest = ''] = this.#health.keys();
      this.#health.delete(oldest);
    }
    this.#health.set(url.href, { failures, restUntil: this.#options.now() + this.#restOf(failures) });
    if (failures === FAILURES_TO_REST) this.#options.onChange(url, false, why);
  }

  /** The responders that are left alone. */
  resting(): string[] {
    return [...this.#health].filter(([, { failures }]) => failures >= FAILURES_TO_REST).map(([url]) => url);
  }

  #restOf(failures: number): number {
    const doubled = FIRST_REST_MS * 2 ** Math.min(failures - FAILURES_TO_REST, 16);
    return Math.min(Math.max(doubled, FIRST_REST_MS), LONGEST_REST_MS) * (0.9 + 0.2 * this.#options.random());
  }
}

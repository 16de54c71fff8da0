/**
 * Waits that double up to a bound, with jitter, so that what failed together does not come back together. `reset` after a
 * success.
 *
 * @example
 * ```ts
 * const backOff = new BackOff({ firstMs: 200, mostMs: 30_000, random: Math.random });
 * backOff.next(); // 100-200
 * backOff.next(); // 200-400
 * ```
 */
export class BackOff {
  readonly #firstMs: number;
  readonly #mostMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: { readonly firstMs: number; readonly mostMs: number; readonly random: () => number }) {
    this.#firstMs = options.firstMs;
    this.#mostMs = options.mostMs;
    this.#random = options.random;
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const full = Math.min(this.#mostMs, this.#firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(full / 2 + (full / 2) * this.#random());
  }

  reset(): void {
    this.#failures = 0;
  }
}

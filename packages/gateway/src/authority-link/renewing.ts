import { X509Certificate } from 'node:crypto';
import { BackOff } from '../primary/back-off.ts';
import type { Pair } from './pair-files.ts';

export interface RenewingOptions {
  /** In words, for the log. */
  readonly what: string;
  /** Gets the next pair and has it stored before it resolves. */
  readonly renew: (current: Pair) => Promise<Pair>;
  readonly onRenewed: (pair: Pair) => void;
  readonly onFailed: (message: string) => void;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
}

/** A certificate that is renewed at two thirds of its life, and from then on until that has worked. */
export class Renewing {
  readonly #options: RenewingOptions;
  readonly #backOff: BackOff;
  #pair: Pair;
  #notAfter = 0;
  #renewAt = 0;
  #running = false;

  constructor(pair: Pair, options: RenewingOptions) {
    this.#options = options;
    this.#backOff = new BackOff({ firstMs: 1000, mostMs: 300_000, random: options.random });
    this.#pair = pair;
    this.#adopt(pair);
  }

  get pair(): Pair {
    return this.#pair;
  }

  /** Milliseconds since the epoch. */
  get notAfter(): number {
    return this.#notAfter;
  }

  /** To be called about once a second: by the wall clock, so that no long timer is needed and a stepped clock is noticed. */
  tick(): void {
    if (this.#running || this.#options.now() < this.#renewAt) return;
    this.#running = true;
    void this.#renew().finally(() => {
      this.#running = false;
    });
  }

  async #renew(): Promise<void> {
    try {
      const pair = await this.#options.renew(this.#pair);
      this.#adopt(pair);
      this.#backOff.reset();
      this.#options.onRenewed(pair);
    } catch (error) {
      this.#renewAt = this.#options.now() + this.#backOff.next();
      const end = new Date(this.#notAfter).toISOString();
      const words = error instanceof Error ? error.message : String(error);
      this.#options.onFailed(`${this.#options.what} (valid until ${end}) could not be renewed: ${words}`);
    }
  }

  #adopt(pair: Pair): void {
    const leaf = new X509Certificate(pair.cert);
    const from = leaf.validFromDate.getTime();
    this.#pair = pair;
    this.#notAfter = leaf.validToDate.getTime();
    // Up to a twentieth earlier, so that what was issued together is not renewed together.
    this.#renewAt = from + (this.#notAfter - from) * (2 / 3 - this.#options.random() / 20);
  }
}

import { randomBytes } from 'node:crypto';

/** What Node takes: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const LENGTH = 48;

export interface TicketKeysOptions {
  /** Age at which keys are replaced, milliseconds. */
  readonly maxAgeMs: number;
  /** At least this long between two renewals that workers ask for, so that nobody can wear out everyone's sessions. */
  readonly minIntervalMs: number;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
  readonly publish: (keys: Buffer) => void;
}

/**
 * The keys of session tickets: random, in memory only, the same for all workers. New keys end the resumption of every session
 * before them, which then costs one full handshake each.
 */
export class TicketKeys {
  readonly #options: TicketKeysOptions;
  #keys: Buffer = randomBytes(LENGTH);
  #since: number;

  constructor(options: TicketKeysOptions) {
    this.#options = options;
    this.#since = options.now();
  }

  get current(): Buffer {
    return this.#keys;
  }

  /** New keys now: trust has changed. */
  renew(): void {
    this.#keys = randomBytes(LENGTH);
    this.#since = this.#options.now();
    this.#options.publish(this.#keys);
  }

  /** A worker could not judge a resumed session: new keys, unless there were new ones just now. */
  renewOnRequest(): void {
    if (this.#options.now() - this.#since >= this.#options.minIntervalMs) this.renew();
  }

  /** To be called now and then: replaces keys that are old enough. */
  renewWhenOld(): void {
    if (this.#options.now() - this.#since >= this.#options.maxAgeMs) this.renew();
  }
}

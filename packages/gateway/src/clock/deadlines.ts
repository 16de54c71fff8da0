/**
 * One coarse timer for all connections of a process: a timer for each, moved with each byte, would cost more than the bytes.
 * A deadline is a number on the object that it is for, so that setting one costs an addition.
 */
import { performance } from 'node:perf_hooks';

export interface Timed {
  /** Time of the {@link Deadlines} after which `expire` is called; Infinity for none. */
  deadline: number;
  /** Called once for each deadline; sets another one, or ends the object. */
  expire(): void;
}

export class Deadlines {
  /** Monotonic milliseconds as of the last tick: late by an interval at most. */
  now: number;

  readonly #clock: () => number;
  readonly #intervalMs: number;
  readonly #watched = new Set<Timed>();
  #timer: NodeJS.Timeout | undefined;

  /** @param clock monotonic, milliseconds */
  constructor(intervalMs = 200, clock: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.now = clock();
  }

  watch(timed: Timed): void {
    this.#watched.add(timed);
    if (this.#timer !== undefined) return;
    this.now = this.#clock();
    this.#timer = setInterval(() => this.tick(), this.#intervalMs);
    // What is watched has a socket, and that keeps the process alive.
    this.#timer.unref();
  }

  forget(timed: Timed): void {
    this.#watched.delete(timed);
    if (this.#watched.size > 0 || this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The deadline that is `milliseconds` away. */
  in(milliseconds: number): number {
    return this.now + milliseconds;
  }

  /** Expires what is due. */
  tick(): void {
    this.now = this.#clock();
    for (const timed of this.#watched) {
      if (timed.deadline > this.now) continue;
      timed.deadline = Infinity;
      timed.expire();
    }
  }
}

/** Shared by all that are given none of their own. */
export const processDeadlines = new Deadlines();

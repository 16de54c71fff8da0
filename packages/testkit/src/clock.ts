/** A wall clock that stands still until it is told: milliseconds since the epoch. */
export interface TestClock {
  /** Give this where a clock is asked for. */
  readonly now: () => number;
  /** Lets time pass. */
  advance(ms: number): void;
  /** Steps the clock, backwards too. */
  set(time: number): void;
}

/** 2026-06-01T12:00:00Z: where a test's clock starts unless told otherwise. */
export const TEST_TIME = Date.UTC(2026, 5, 1, 12);

/**
 * Makes a clock for a test.
 *
 * @example const clock = testClock(); clock.advance(60_000); clock.now();
 */
export function testClock(start: number = TEST_TIME): TestClock {
  let time = start;
  return {
    now: () => time,
    advance(ms) {
      time += ms;
    },
    set(next) {
      time = next;
    },
  };
}

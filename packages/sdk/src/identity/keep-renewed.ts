import { renewalTime, retryPause } from './renewal-time.ts';
import type { Validity } from './renewal-time.ts';

export interface KeepRenewedOptions {
  /** Of the certificate in use now. */
  readonly validity: () => Validity;
  /** Gets a new certificate and puts it to use. */
  readonly renew: (signal: AbortSignal) => Promise<void>;
  readonly onFailed: (error: unknown, failures: number) => void;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  /** Longest sleep between two looks at the wall clock, which may be stepped; milliseconds. */
  readonly lookEveryMs?: number;
}

/** Renewal that goes on until it is stopped. */
export interface KeptRenewed {
  /** When the next attempt is due: milliseconds since the epoch. */
  readonly nextAt: number;
  /** Tries at once; resolves when that has been tried. */
  renewNow(): Promise<void>;
  stop(): void;
}

/**
 * Keeps a certificate renewed: at two thirds of its lifetime, after failures with back-off, for as long as the process lives.
 *
 * Short timers that look at the wall clock take the place of one long one: a timer beyond 24.8 days fires at once, and none
 * follows a clock that is stepped or a machine that slept.
 */
export function keepRenewed(options: KeepRenewedOptions): KeptRenewed {
  const { validity, renew, onFailed, now = Date.now, random = Math.random, lookEveryMs = 60_000 } = options;
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let failures = 0;
  let nextAt = renewalTime(validity(), random());

  async function attempt(): Promise<void> {
    try {
      await renew(abort.signal);
      failures = 0;
      nextAt = renewalTime(validity(), random());
    } catch (error) {
      if (abort.signal.aborted) return;
      failures += 1;
      nextAt = now() + retryPause(failures, validity().notAfter - now(), random());
      onFailed(error, failures);
    }
  }

  function renewNow(): Promise<void> {
    clearTimeout(timer);
    running ??= attempt().finally(() => {
      running = undefined;
      sleep();
    });
    return running;
  }

  function sleep(): void {
    if (abort.signal.aborted) return;
    const pause = Math.min(Math.max(nextAt - now(), 0), lookEveryMs);
    timer = setTimeout(() => {
      if (now() >= nextAt) void renewNow();
      else sleep();
    }, pause);
    timer.unref();
  }

  sleep();
  return {
    get nextAt() {
      return nextAt;
    },
    renewNow,
    stop() {
      abort.abort();
      clearTimeout(timer);
    },
  };
}

import { readTrustFile } from '../bundle/load-bundle.ts';
import { realFiles, watchFiles } from '../files/watch-files.ts';
import { fetchCrl } from './fetch-crl.ts';
import type { FetchedCrl, FetchOptions } from './fetch-crl.ts';

/** What is told of a CRL that is followed. */
export interface CrlFollower {
  /** A CRL came: offer it to the `CrlSet`; what that throws is told to `onProblem`. Gives its nextUpdate, where known. */
  readonly onCrl: (bytes: Uint8Array, source: string) => number | undefined;
  /** Its source says that there is nothing new. */
  readonly onUnchanged?: ((source: string) => void) | undefined;
  /** It could not be had, or was refused: the last good one stays in use. */
  readonly onProblem: (error: unknown, source: string) => void;
}

/** Something that goes on until it is stopped. */
export interface Following {
  /** Resolves when the first attempt has been made, whatever came of it. */
  readonly started: Promise<void>;
  stop(): void;
}

/**
 * Follows a CRL in a file: reads it now, and again when it changes. A file that is missing is a problem like any other, and
 * is read as soon as it is there.
 */
export function followCrlFile(
  file: string,
  follower: CrlFollower,
  { pollMs, settleMs }: { readonly pollMs?: number; readonly settleMs?: number } = {},
): Following {
  const read = async (): Promise<Uint8Array> => {
    try {
      return await readTrustFile(file);
    } catch (error) {
      follower.onProblem(error, file);
      return new Uint8Array();
    }
  };
  const take = ([bytes]: readonly Uint8Array[]): void => {
    if (bytes === undefined || bytes.length === 0) return;
    try {
      follower.onCrl(bytes, file);
    } catch (error) {
      follower.onProblem(error, file);
    }
  };
  const watching = watchFiles<void>({
    files: [file],
    load: take,
    onChange: () => undefined,
    onBroken: (error) => follower.onProblem(error, file),
    port: { read, watchDirectory: (path, changed) => realFiles.watchDirectory(path, changed) },
    ...(pollMs === undefined ? {} : { pollMs }),
    ...(settleMs === undefined ? {} : { settleMs }),
  });
  return {
    started: watching.then(() => undefined),
    stop: () => void watching.then((watch) => watch.stop()),
  };
}

export interface UrlOptions {
  /** How often to fetch, milliseconds; an hour by default, and in any case well before nextUpdate. */
  readonly everyMs?: number | undefined;
  readonly now: () => number;
  /** A number from 0 to 1: spreads the fetches of many gateways. */
  readonly random: () => number;
  readonly fetch?: (url: URL, options: FetchOptions) => Promise<FetchedCrl>;
  readonly limits?: Pick<FetchOptions, 'maxBytes' | 'timeoutMs' | 'guard'>;
  /** Wakes after a pause in milliseconds; the timer of the process by default. */
  readonly wakeAfter?: (ms: number, wake: () => void) => { stop(): void };
}

const HOUR = 3_600_000;
const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 5 * 60_000;

/** Follows a CRL at a URL: fetches it now, then ahead of its end, and after failures with back-off. */
export function followCrlUrl(url: URL, follower: CrlFollower, options: UrlOptions): Following {
  const { now, random, fetch = fetchCrl, limits = {}, wakeAfter = wakeByTimer } = options;
  const abort = new AbortController();
  let timer: { stop(): void } | undefined;
  let validators: Pick<FetchOptions, 'etag' | 'lastModified'> = {};
  let nextUpdate: number | undefined;
  let failures = 0;

  async function attempt(): Promise<void> {
    try {
      const fetched = await fetch(url, { ...limits, ...validators, signal: abort.signal });
      if (abort.signal.aborted) return;
      if (fetched.kind === 'fetched') {
        nextUpdate = follower.onCrl(fetched.bytes, url.href);
        validators = { etag: fetched.etag, lastModified: fetched.lastModified };
      } else follower.onUnchanged?.(url.href);
      failures = 0;
    } catch (error) {
      if (abort.signal.aborted) return;
      failures += 1;
      // What was refused must come again whole.
      validators = {};
      follower.onProblem(error, url.href);
    }
    timer = wakeAfter(pause(), () => void attempt());
  }

  function pause(): number {
    const spread = 0.9 + 0.2 * random();
    if (failures > 0) return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS) * spread;
    const every = options.everyMs ?? HOUR;
    // Half of what is left: several attempts fit in before the end.
    const left = nextUpdate === undefined ? every : Math.max((nextUpdate - now()) / 2, FIRST_RETRY_MS);
    return Math.min(every, left) * spread;
  }

  return {
    started: attempt(),
    stop() {
      abort.abort();
      timer?.stop();
    },
  };
}

/** A timer that keeps no process alive. */
export function wakeByTimer(ms: number, wake: () => void): { stop(): void } {
  const timer = setTimeout(wake, ms);
  timer.unref();
  return { stop: () => clearTimeout(timer) };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { BackOff } from '../net/back-off.ts';
import { readLines } from './read-lines.ts';
import { words } from '../words.ts';

/** The feed says something at least this often; three times silence is a dead connection. */
const SILENCE_MS = 15_000;
/** What is read of an answer that refuses. */
const MAX_PROBLEM = 2048;

export interface FeedConnectionOptions {
  /** Over mutual TLS, with the certificate of the moment. */
  readonly fetch: (url: URL, init: { signal: AbortSignal }) => Promise<Response>;
  /** The authority's base URL. */
  readonly url: URL;
  /** The id that this gateway acknowledges with; undefined for who only listens. */
  readonly gateway: string | undefined;
  /** Where to go on; undefined asks for a snapshot. */
  readonly cursor: () => string | undefined;
  /** Asks for a snapshot although there is a cursor: one that is not older. */
  readonly full?: () => boolean;
  /** One line, parsed as JSON. Throws where it is none that can be taken: the connection is then made anew. */
  readonly onLine: (line: unknown) => void;
  readonly onUp: () => void;
  /** The connection was lost, or could not be made, in words. */
  readonly onDown: (reason: string) => void;
  readonly random: () => number;
  readonly silenceMs?: number;
}

/**
 * The subscription to the authority's feed: goes on at the cursor after every loss, with growing, jittered waits, for as long
 * as the process lives.
 */
export class FeedConnection {
  readonly #options: FeedConnectionOptions;
  readonly #stop = new AbortController();
  #current: AbortController | undefined;

  constructor(options: FeedConnectionOptions) {
    this.#options = options;
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    const backOff = new BackOff({ firstMs: 200, mostMs: 5000, random: this.#options.random });
    while (!this.#stop.signal.aborted) {
      const attempt = new AbortController();
      this.#current = attempt;
      try {
        await this.#subscribe(attempt, () => backOff.reset());
        this.#options.onDown('the authority closed it');
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.onDown(words(attempt.signal.aborted ? attempt.signal.reason : error));
      } finally {
        attempt.abort();
      }
      await sleep(backOff.next(), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Connects anew. */
  reconnect(why: string): void {
    this.#current?.abort(new Error(why));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #subscribe(attempt: AbortController, onLive: () => void): Promise<void> {
    const url = new URL('/v1/feed', this.#options.url);
    if (this.#options.gateway !== undefined) url.searchParams.set('gateway', this.#options.gateway);
    const cursor = this.#options.cursor();
    if (cursor !== undefined) url.searchParams.set('cursor', cursor);
    if (this.#options.full?.() === true) url.searchParams.set('snapshot', 'full');
    const silence = setTimeout(() => attempt.abort(new Error('it fell silent')), this.#options.silenceMs ?? SILENCE_MS);
    const signal = AbortSignal.any([this.#stop.signal, attempt.signal]);
    try {
      const response = await this.#options.fetch(url, { signal });
      if (response.status !== 200 || response.body === null) throw new Error(await refusalOf(response));
      this.#options.onUp();
      for await (const line of readLines(response.body, () => silence.refresh())) {
        this.#options.onLine(JSON.parse(line));
        onLive();
      }
    } finally {
      clearTimeout(silence);
    }
  }
}

async function refusalOf(response: Response): Promise<string> {
  const text = await response.text();
  return `the authority answered ${response.status}: ${text.slice(0, MAX_PROBLEM)}`;
}

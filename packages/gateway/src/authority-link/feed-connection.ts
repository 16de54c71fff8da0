import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthorityClient } from './authority-client.ts';
import { BackOff } from '../primary/back-off.ts';

/** The feed says something at least this often; three times silence is a dead connection. */
const SILENCE_MS = 15_000;
/** One line may be a snapshot of a million revocations. */
const MAX_LINE = 400_000_000;

export interface FeedConnectionOptions {
  readonly client: Pick<AuthorityClient, 'stream'>;
  /** The id that this gateway acknowledges with. */
  readonly gateway: string;
  /** Where to go on; undefined asks for a snapshot. */
  readonly cursor: () => string | undefined;
  /** One line, parsed as JSON. Throws where it is none that can be taken: the connection is then made anew. */
  readonly onLine: (line: unknown) => Promise<void> | void;
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
        await this.#subscribe(AbortSignal.any([this.#stop.signal, attempt.signal]), () => backOff.reset());
        this.#options.onDown('the authority closed the feed');
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#options.onDown(error instanceof Error ? error.message : String(error));
      }
      await sleep(backOff.next(), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  /** Connects anew: the certificate to connect with has changed. */
  reconnect(): void {
    this.#current?.abort(new Error('connecting anew'));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #subscribe(signal: AbortSignal, onLive: () => void): Promise<void> {
    const query = new URLSearchParams({ gateway: this.#options.gateway });
    const cursor = this.#options.cursor();
    if (cursor !== undefined) query.set('cursor', cursor);
    const response = await this.#options.client.stream(`/v1/feed?${query.toString()}`, signal);
    this.#options.onUp();
    const silenceMs = this.#options.silenceMs ?? SILENCE_MS;
    const silence = setTimeout(() => response.destroy(new Error('the feed fell silent')), silenceMs);
    try {
      for await (const line of readLines(response, () => silence.refresh())) {
        await this.#options.onLine(JSON.parse(line));
        onLive();
      }
    } finally {
      clearTimeout(silence);
      response.destroy();
    }
  }
}

/** The lines of a stream of UTF-8, without their ends; what follows the last end is dropped. */
async function* readLines(stream: IncomingMessage, onBytes: () => void): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    onBytes();
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    length += chunk.length - from;
    if (length > MAX_LINE) throw new Error('a line of the feed is too long');
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
}

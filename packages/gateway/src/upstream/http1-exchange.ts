/** One request to an HTTP/1.1 upstream, and its second try where that is safe. */
import type { DataMetrics, HttpTimeouts } from '../connection.ts';
import { CHUNKED } from '../http1/body.ts';
import type { Exchange, ExchangeClient, UpstreamRequest } from './exchange.ts';
import type { Carried, Link, LinkEnd } from './link.ts';
import { isReplayable } from './request-head.ts';

export interface LinkSource {
  readonly name: string;
  /** A link that is free, or a new one where `fresh`. */
  acquire(fresh: boolean, replayable: boolean, metrics: DataMetrics): Link;
}

const LAST_CHUNK = '0\r\n';

export class Http1Exchange implements Exchange, Carried {
  readonly request: UpstreamRequest;
  readonly client: ExchangeClient;
  readonly timeouts: HttpTimeouts;
  answered = false;
  finished = false;
  tunnelled = false;

  readonly #source: LinkSource;
  readonly #metrics: DataMetrics;
  readonly #head: string;
  readonly #replayable: boolean;
  #link: Link | undefined;
  #reused: boolean;
  /** What `flush` sends. */
  #unsent: (string | Buffer)[];

  constructor(
    source: LinkSource,
    request: UpstreamRequest,
    head: string,
    client: ExchangeClient,
    timeouts: HttpTimeouts,
    metrics: DataMetrics,
  ) {
    this.request = request;
    this.client = client;
    this.timeouts = timeouts;
    this.#source = source;
    this.#metrics = metrics;
    this.#head = head;
    this.#replayable = isReplayable(request);
    this.#unsent = [head];
    this.#link = source.acquire(false, this.#replayable, metrics);
    this.#reused = this.#link.carriedBefore > 0;
    this.#link.carry(this);
  }

  write(bytes: Buffer): void {
    if (this.#link === undefined || bytes.length === 0) return;
    if (this.request.framing === CHUNKED && !this.tunnelled) {
      this.#unsent.push(`${bytes.length.toString(16)}\r\n`, bytes, '\r\n');
    } else {
      this.#unsent.push(bytes);
    }
  }

  finish(trailers: string): void {
    if (this.#link === undefined) return;
    if (this.tunnelled) {
      this.flush();
      this.#link.socket.end();
      return;
    }
    if (this.request.framing === CHUNKED) this.#unsent.push(`${LAST_CHUNK}${trailers}\r\n`);
    this.finished = true;
  }

  flush(): boolean {
    const link = this.#link;
    if (link === undefined) return true;
    const parts = this.#unsent;
    if (parts.length > 0) {
      this.#unsent = [];
      const { socket } = link;
      if (parts.length === 1) {
        send(socket, parts[0] as string | Buffer);
      } else {
        socket.cork();
        for (const part of parts) send(socket, part);
        socket.uncork();
      }
    }
    link.sent();
    return !link.socket.writableNeedDrain;
  }

  resume(): void {
    this.#link?.resume();
  }

  abort(): void {
    const link = this.#link;
    this.#link = undefined;
    link?.abandon();
  }

  over(): void {
    this.#link = undefined;
  }

  lost(end: LinkEnd): void {
    this.#link = undefined;
    if (this.answered) {
      this.client.broken(end.detail);
      return;
    }
    // An upstream may close an idle connection just as a request is on its way: that says nothing about the request.
    if (this.#reused && end.unanswered && this.#replayable && end.code !== 'upstream_timeout') {
      this.#reused = false;
      this.#metrics.upstreamRetried(this.#source.name);
      this.#link = this.#source.acquire(true, true, this.#metrics);
      this.#link.carry(this);
      this.#unsent = [this.#head];
      this.flush();
      return;
    }
    this.client.failed(end.code, end.detail);
  }
}

function send(socket: Link['socket'], part: string | Buffer): void {
  if (typeof part === 'string') socket.write(part, 'latin1');
  else socket.write(part);
}

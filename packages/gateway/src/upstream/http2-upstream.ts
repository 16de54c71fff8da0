/** An upstream that speaks HTTP/2 without TLS (prior knowledge, RFC 9113 section 3.3): what gRPC services do behind a gateway. */
import { type ClientHttp2Session, type ClientHttp2Stream, type ClientSessionOptions, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Deadlines } from '../clock/deadlines.ts';
import type { DataMetrics, HttpTimeouts, Upstream } from '../connection.ts';
import type { Exchange, ExchangeClient, UpstreamRequest } from './exchange.ts';
import { Http2Exchange, type SessionSource } from './http2-exchange.ts';
import type { PoolOptions } from './http1-upstream.ts';
import type { UpstreamTarget } from './settings.ts';

/** What is assumed of an upstream before it has said how many streams it takes, RFC 9113 section 6.5.2. */
const ASSUMED_STREAMS = 100;

/** One connection with its streams. */
export interface UpstreamSession {
  readonly session: ClientHttp2Session;
  /** It has served another request before. */
  used: boolean;
  connected: boolean;
  streams: number;
}

export class Http2Upstream implements Upstream, SessionSource {
  readonly name: string;

  readonly #target: UpstreamTarget;
  readonly #deadlines: Deadlines;
  readonly #pool: PoolOptions;
  readonly #sessions = new Set<UpstreamSession>();
  #closed = false;

  constructor(target: UpstreamTarget, deadlines: Deadlines, pool: PoolOptions) {
    this.name = target.name;
    this.#target = target;
    this.#deadlines = deadlines;
    this.#pool = pool;
  }

  open(request: UpstreamRequest, client: ExchangeClient, timeouts: HttpTimeouts, metrics: DataMetrics): Exchange {
    return new Http2Exchange(this, request, this.#target.basePath, client, timeouts, metrics, this.#deadlines);
  }

  acquire(fresh: boolean, metrics: DataMetrics): UpstreamSession {
    if (!fresh) {
      for (const entry of this.#sessions) {
        const { session, streams } = entry;
        const room = entry.connected
          ? (session.remoteSettings.maxConcurrentStreams ?? ASSUMED_STREAMS)
          : ASSUMED_STREAMS;
        if (!session.closed && !session.destroyed && streams < room) return entry;
      }
    }
    metrics.upstreamConnected(this.name);
    return this.#connect();
  }

  /** Counts a stream until it has ended. */
  track(entry: UpstreamSession, stream: ClientHttp2Stream): void {
    entry.streams++;
    stream.on('close', () => {
      entry.used = true;
      entry.streams--;
      if (entry.streams > 0) return;
      if (this.#closed) entry.session.close();
      else entry.session.setTimeout(this.#pool.idleMs, () => entry.session.close());
    });
    entry.session.setTimeout(0);
  }

  close(): void {
    this.#closed = true;
    for (const { session } of this.#sessions) session.close();
  }

  #connect(): UpstreamSession {
    const { address } = this.#target;
    const socket = connectSocket({ ...address, noDelay: true });
    // What a client says twice is passed on as it is; the types do not know that option of a client.
    const options: ClientSessionOptions & { strictSingleValueFields: boolean } = {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: 64,
      strictSingleValueFields: false,
    };
    const session = connect('http://upstream', options);
    const entry: UpstreamSession = { session, used: false, connected: false, streams: 0 };
    this.#sessions.add(entry);
    session.on('connect', () => {
      entry.connected = true;
    });
    // Its streams have heard of it; 'close' follows.
    session.on('error', () => undefined);
    session.on('close', () => this.#sessions.delete(entry));
    session.unref();
    return entry;
  }
}

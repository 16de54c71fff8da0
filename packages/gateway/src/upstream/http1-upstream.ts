/** An HTTP/1.1 upstream and its idle connections. */
import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Deadlines } from '../clock/deadlines.ts';
import type { DataMetrics, HttpTimeouts, Upstream } from '../connection.ts';
import type { Exchange, ExchangeClient, UpstreamRequest } from './exchange.ts';
import { Http1Exchange, type LinkSource } from './http1-exchange.ts';
import { Link, type LinkOwner } from './link.ts';
import { writeRequestHead } from './request-head.ts';
import type { UpstreamTarget } from './settings.ts';

export interface PoolOptions {
  /** Idle connections that are kept. */
  readonly maximumIdle: number;
  /** Milliseconds that a connection is kept idle, where the upstream does not ask for less. */
  readonly idleMs: number;
}

export const DEFAULT_POOL: PoolOptions = { maximumIdle: 256, idleMs: 4000 };

/** An upstream closes idle connections by its own clock: ours must be the earlier. */
const KEEP_ALIVE_MARGIN_MS = 1000;
/** A request that cannot be repeated only takes a connection that was in use a moment ago. */
const UNREPEATABLE_IDLE_MS = 500;

/**
 * Everything read from any upstream passes through this buffer: what a client does not take at once is copied, so that idle
 * connections cost no memory.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

export class Http1Upstream implements Upstream, LinkOwner, LinkSource {
  readonly name: string;

  readonly #target: UpstreamTarget;
  readonly #deadlines: Deadlines;
  readonly #pool: PoolOptions;
  /** The last one is the one used last. */
  readonly #idle: Link[] = [];
  readonly #links = new Set<Link>();
  #session: Buffer | undefined;
  #closed = false;

  constructor(target: UpstreamTarget, deadlines: Deadlines, pool: PoolOptions) {
    this.name = target.name;
    this.#target = target;
    this.#deadlines = deadlines;
    this.#pool = pool;
  }

  open(request: UpstreamRequest, client: ExchangeClient, timeouts: HttpTimeouts, metrics: DataMetrics): Exchange {
    const head = writeRequestHead(request, this.#target.basePath);
    return new Http1Exchange(this, request, head, client, timeouts, metrics);
  }

  acquire(fresh: boolean, replayable: boolean, metrics: DataMetrics): Link {
    const last = fresh ? undefined : this.#idle.at(-1);
    if (last !== undefined && (replayable || this.#deadlines.now - last.idleSince <= UNREPEATABLE_IDLE_MS)) {
      this.#idle.pop();
      return last;
    }
    metrics.upstreamConnected(this.name);
    const link = new Link(this, this.#deadlines, this.#target.tls !== undefined, (read) => this.#connect(read));
    this.#links.add(link);
    return link;
  }

  idle(link: Link): void {
    if (this.#closed || this.#idle.length >= this.#pool.maximumIdle) {
      link.abandon();
      return;
    }
    const keep = Math.min(this.#pool.idleMs, link.keepAliveMs - KEEP_ALIVE_MARGIN_MS);
    if (keep <= 0) {
      link.abandon();
      return;
    }
    link.idleSince = this.#deadlines.now;
    link.deadline = this.#deadlines.in(keep);
    this.#idle.push(link);
  }

  closed(link: Link): void {
    this.#links.delete(link);
    const at = this.#idle.lastIndexOf(link);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  close(): void {
    this.#closed = true;
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop()) link.abandon();
  }

  #connect(read: (bytes: Buffer) => boolean): Socket {
    const onread: OnReadOpts = {
      buffer: READ_BUFFER,
      callback: (length) => read(READ_BUFFER.subarray(0, length)),
    };
    const { address, tls } = this.#target;
    if (tls === undefined) return connectPlain({ ...address, allowHalfOpen: true, noDelay: true, onread });
    // `onread` is passed on to the socket; the types do not know it.
    const options: ConnectionOptions & { onread: OnReadOpts; allowHalfOpen: boolean } = {
      ...address,
      secureContext: tls.secureContext,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      allowHalfOpen: true,
      onread,
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    };
    const socket = connectTls(options);
    socket.setNoDelay(true);
    socket.on('session', (session) => {
      this.#session = session;
    });
    return socket;
  }
}

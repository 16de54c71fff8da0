/** One HTTP/2 connection of a client, on node:http2. */
import {
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerSessionOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import { type Deadlines, processDeadlines, type Timed } from '../clock/deadlines.ts';
import type { ConnectionContext, ConnectionHandle, HttpOptions, Router } from '../connection.ts';
import { RequestFields } from '../headers/request-fields.ts';
import type { RefusalCode } from '../refusal/codes.ts';
import { Http2Request, type StreamHost } from './request.ts';

const END_STREAM = 0x1;
/** How long a drained connection may still begin a request: one that has served some, one that was just opened. */
const DRAIN_GRACE_MS = 1000;
const DRAIN_FIRST_MS = 5000;
/** How long the client of an ended connection has to read the end before the socket goes. */
const CLOSE_MS = 1000;
const KILL_MS = 250;

export class Http2Connection implements ConnectionHandle, StreamHost, Timed {
  deadline: number;
  readonly closed: Promise<void>;
  readonly context: ConnectionContext;
  readonly router: Router;
  readonly options: HttpOptions;
  readonly deadlines: Deadlines;
  readonly fields: RequestFields;

  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #requests = new Set<Http2Request>();
  #ordinal = 0;
  #draining = false;
  #ending = false;

  constructor(socket: Socket, context: ConnectionContext, router: Router, options: HttpOptions) {
    this.context = context;
    this.router = router;
    this.options = options;
    this.deadlines = options.deadlines ?? processDeadlines;
    this.fields = new RequestFields(context, '2');
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.deadline = this.deadlines.in(options.timeouts.header);
    this.deadlines.watch(this);
    socket.setNoDelay(true);
    // CVE-2025-59465: an error of the socket beneath a session has no other listener.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.deadlines.forget(this);
      // CVE-2026-48937: a session does not always notice that its socket has gone.
      this.#session.destroy();
      resolve();
    });
    this.#session = performServerHandshake(socket, sessionOptions(options));
    this.#session.on('error', () => socket.destroy());
    this.#session.on('stream', (stream, _headers, flags, raw) => this.#begin(stream, flags, raw));
  }

  get inFlight(): number {
    return this.#requests.size;
  }

  /**
   * nghttp2 refuses what comes behind a GOAWAY, also what was sent before the client could read it. A client that waits for
   * an answer is told at once; one that does not may have sent something, and is told with its next request in hand.
   */
  drain(): void {
    if (this.#draining || this.#ending) return;
    this.#draining = true;
    if ([...this.#requests].some((request) => !request.answered)) this.#end();
    else this.deadline = this.deadlines.in(this.#ordinal === 0 ? DRAIN_FIRST_MS : DRAIN_GRACE_MS);
  }

  kill(reason?: RefusalCode): void {
    for (const request of this.#requests) request.kill(reason);
    this.#ending = true;
    this.deadline = this.deadlines.in(KILL_MS);
    // GOAWAY, and nothing behind it. A session that is not closed destroys its socket at once, and what the client had sent by
    // then would make that a reset, which takes the GOAWAY with it; a closed one ends the socket and reads on until the deadline.
    this.#session.close();
    this.#session.destroy();
  }

  expire(): void {
    if (this.#ending) this.#socket.destroy();
    else this.#end();
  }

  done(request: Http2Request, closing: boolean): void {
    this.#requests.delete(request);
    if (closing) this.#end();
    if (this.#requests.size > 0) return;
    if (this.#ending) this.deadline = this.deadlines.in(CLOSE_MS);
    else this.deadline = this.deadlines.in(this.#draining ? DRAIN_GRACE_MS : this.options.timeouts.keepAlive);
  }

  #begin(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { peer } = this.context;
    if (peer.kind === 'accepted' && peer.handle?.ended !== undefined) {
      this.kill(peer.handle.ended);
      return;
    }
    this.#ordinal++;
    const request = new Http2Request(this, stream, this.#ordinal, (flags & END_STREAM) !== 0);
    this.#requests.add(request);
    this.deadline = Infinity;
    request.begin(raw);
    if (this.#draining || this.#ordinal >= this.options.limits.requestsPerConnection) this.#end();
  }

  /** GOAWAY; streams in flight finish, and then the connection ends. */
  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.deadline = this.#requests.size === 0 ? this.deadlines.in(CLOSE_MS) : Infinity;
    this.#session.close();
  }
}

function sessionOptions(options: HttpOptions): ServerSessionOptions {
  return {
    settings: {
      enablePush: false,
      // Extended CONNECT would be a tunnel that no rule has seen.
      enableConnectProtocol: false,
      maxConcurrentStreams: options.limits.concurrentStreams,
      maxHeaderListSize: options.limits.fieldSection,
    },
    maxHeaderListPairs: options.limits.fieldCount,
    maxSessionMemory: 16,
    maxSessionInvalidFrames: 64,
    maxSessionRejectedStreams: 64,
    // Rapid reset (CVE-2023-44487): as many as a client at work may cancel, and no flood.
    streamResetBurst: 200,
    streamResetRate: 33,
    // What an upstream says twice is passed on as it is.
    strictSingleValueFields: false,
  };
}

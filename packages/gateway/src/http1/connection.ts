/** One HTTP/1.1 connection of a client: requests are read and passed on one after the other, in order. */
import type { Socket } from 'node:net';
import { type Deadlines, processDeadlines, type Timed } from '../clock/deadlines.ts';
import type { ConnectionContext, ConnectionHandle, HttpOptions, HttpTimeouts, Router } from '../connection.ts';
import { RequestFields } from '../headers/request-fields.ts';
import { trailerFields } from '../headers/trailers.ts';
import type { RefusalCode } from '../refusal/codes.ts';
import { BodyReader } from './body.ts';
import { CR, LF } from './octets.ts';
import { readRequestHead } from './request-head.ts';
import { Http1Request, type RequestHost } from './request.ts';
import { ResponseWriter } from './response-writer.ts';
import { FAULT, MORE, SectionScanner } from './section.ts';

/** Between requests, or in a head. */
const HEAD = 0;
/** In a request's body. */
const BODY = 1;
/** The request is complete, its response is not. */
const WAIT = 2;
const TUNNEL = 3;
/** The last response is out; what still comes is thrown away, so that no reset overtakes the response. */
const LINGER = 4;
const CLOSED = 5;

const LINGER_MS = 1000;
const LINGER_BYTES = 1_048_576;
/** How long a drained connection may still begin a request: one that has served some, one that was just opened. */
const DRAIN_GRACE_MS = 1000;
const DRAIN_FIRST_MS = 5000;

export class Http1Connection implements ConnectionHandle, RequestHost, Timed {
  deadline: number;
  readonly closed: Promise<void>;
  readonly context: ConnectionContext;
  readonly router: Router;
  readonly options: HttpOptions;
  readonly fields: RequestFields;
  readonly writer: ResponseWriter;

  readonly #socket: Socket;
  readonly #timeouts: HttpTimeouts;
  readonly #deadlines: Deadlines;
  readonly #scanner: SectionScanner;
  readonly #reader: BodyReader;
  readonly #resolveClosed: () => void;
  #request: Http1Request | undefined;
  #phase = HEAD;
  /** Bytes that came and are not read yet, from #offset on. */
  #held: Buffer | undefined;
  #offset = 0;
  #pumping = false;
  #paused = false;
  #requests = 0;
  #draining = false;
  #clientDone = false;
  #lingered = 0;

  constructor(socket: Socket, context: ConnectionContext, router: Router, options: HttpOptions) {
    this.context = context;
    this.router = router;
    this.options = options;
    this.fields = new RequestFields(context, '1.1');
    this.writer = new ResponseWriter(socket);
    this.#socket = socket;
    this.#timeouts = options.timeouts;
    this.#deadlines = options.deadlines ?? processDeadlines;
    this.#scanner = new SectionScanner(options.limits, true);
    this.#reader = new BodyReader(options.limits, (data) => this.#request?.write(data), options.limits.body);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#deadlines.watch(this);
    this.deadline = this.#deadlines.in(this.#timeouts.header);
    // A client may end its side and still wait for its answer.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#clientEnded());
    // 'close' follows and says all that matters.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#close());
  }

  get inFlight(): number {
    return this.#request === undefined ? 0 : 1;
  }

  get last(): boolean {
    return this.#draining || this.#requests >= this.options.limits.requestsPerConnection;
  }

  get bodyComplete(): boolean {
    return this.#reader.complete;
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    if (this.#phase !== HEAD || this.#scanner.begun) return;
    // A request may be on its way: it is answered, as the last one.
    const grace = this.#requests === 0 ? DRAIN_FIRST_MS : DRAIN_GRACE_MS;
    this.deadline = Math.min(this.deadline, this.#deadlines.in(grace));
  }

  kill(reason?: RefusalCode): void {
    this.#request?.abort(reason);
    this.#socket.destroy();
  }

  expire(): void {
    const request = this.#request;
    if (this.#phase === HEAD) {
      if (this.#scanner.begun) this.#malformed('the header section did not come in time');
      else this.#endConnection();
    } else if (this.#phase === BODY && request?.responded === false && !this.#socket.writableNeedDrain) {
      request.refuse('bad_request', 'the body did not come in time');
    } else {
      this.destroy();
    }
  }

  // ---- for the request

  done(closing: boolean): void {
    this.#request = undefined;
    if (this.#phase === CLOSED) return;
    if (closing || !this.#reader.complete) {
      this.#endConnection();
    } else {
      this.#phase = HEAD;
      this.deadline = this.#deadlines.in(this.#timeouts.keepAlive);
    }
    this.#pump();
  }

  tunnelled(): void {
    this.#phase = TUNNEL;
    this.deadline = Infinity;
    this.#pump();
  }

  upstreamEnded(): void {
    this.deadline = this.#deadlines.in(this.#timeouts.bodyIdle);
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  flowChanged(): void {
    if (this.#socket.writableNeedDrain) this.deadline = this.#deadlines.in(this.#timeouts.bodyIdle);
    this.#setFlow();
  }

  // ---- from the client

  #data(chunk: Buffer): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held.subarray(this.#offset), chunk]);
    this.#offset = 0;
    try {
      this.#pump();
    } catch (error) {
      // A fault of ours ends the connection that met it, and not the worker with all the others.
      this.#request?.broken(`internal: ${String(error)}`);
      this.destroy();
    }
  }

  /** Reads what is held as far as the phase allows. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#held !== undefined && this.#step(this.#held)) {
      if (this.#held !== undefined && this.#offset >= this.#held.length) this.#held = undefined;
    }
    this.#pumping = false;
    this.#request?.flushUpstream();
    if (this.#phase === HEAD && this.#clientDone && this.#held === undefined) this.#endConnection();
    this.#setFlow();
  }

  /** One step of reading; false: nothing more can be read now. */
  #step(held: Buffer): boolean {
    switch (this.#phase) {
      case HEAD:
        this.#readHead(held);
        return true;
      case BODY: {
        const next = this.#reader.read(held, this.#offset);
        if (next === FAULT) {
          this.#request?.malformed(this.#reader.fault);
          return true;
        }
        this.#offset = next;
        this.deadline = this.#deadlines.in(this.#timeouts.bodyIdle);
        if (this.#reader.complete) this.#completeRequest();
        return true;
      }
      case WAIT:
        return false;
      case TUNNEL:
        this.#request?.write(this.#offset === 0 ? held : held.subarray(this.#offset));
        this.#held = undefined;
        return true;
      default:
        this.#lingered += held.length - this.#offset;
        this.#held = undefined;
        if (this.#lingered > LINGER_BYTES) this.destroy();
        return true;
    }
  }

  #readHead(held: Buffer): void {
    const begun = this.#scanner.begun;
    // RFC 9112 section 2.2: one empty line before a request line is let pass, for clients that end a body with it.
    if (!begun && this.#requests > 0 && held[this.#offset] === CR && held[this.#offset + 1] === LF) this.#offset += 2;
    if (this.#offset >= held.length) return;
    const next = this.#scanner.scan(held, this.#offset);
    if (next === MORE) {
      if (!begun && this.#requests > 0) this.deadline = this.#deadlines.in(this.#timeouts.header);
      this.#held = undefined;
    } else if (next === FAULT) {
      this.#malformed(this.#scanner.fault);
    } else {
      this.#offset = next;
      this.#beginRequest();
    }
  }

  #beginRequest(): void {
    const { peer } = this.context;
    if (peer.kind === 'accepted' && peer.handle?.ended !== undefined) {
      this.kill(peer.handle.ended);
      return;
    }
    const result = readRequestHead(this.#scanner);
    if (!result.ok) {
      this.#malformed(result.detail);
      return;
    }
    const request = this.#newRequest();
    this.#reader.begin(result.head.framing);
    this.#phase = this.#reader.complete ? WAIT : BODY;
    this.deadline = this.#reader.complete ? Infinity : this.#deadlines.in(this.#timeouts.bodyIdle);
    request.begin(result.head);
    if (this.#phase === WAIT) request.finish('');
  }

  /** The body has been read; the request waits for its response, if it has not got it already. */
  #completeRequest(): void {
    this.#phase = WAIT;
    this.deadline = this.#socket.writableNeedDrain ? this.#deadlines.in(this.#timeouts.bodyIdle) : Infinity;
    const section = this.#reader.trailers;
    this.#request?.finish(section === undefined ? '' : trailerFields(section));
  }

  #malformed(detail: string): void {
    const request = this.#request ?? this.#newRequest();
    this.#phase = WAIT;
    request.malformed(detail);
  }

  #newRequest(): Http1Request {
    this.#requests++;
    this.#request = new Http1Request(this, this.#requests);
    return this.#request;
  }

  #clientEnded(): void {
    this.#clientDone = true;
    if (this.#phase === TUNNEL) {
      this.#request?.finish('');
      this.#request?.flushUpstream();
    } else if (this.#phase === BODY) {
      this.destroy();
    } else if (this.#phase === HEAD && this.#held === undefined) {
      this.#endConnection();
    }
  }

  // ---- flow and end

  #drained(): void {
    if (this.#phase === WAIT || this.#phase === TUNNEL) this.deadline = Infinity;
    else if (this.#phase === BODY) this.deadline = this.#deadlines.in(this.#timeouts.bodyIdle);
    this.#request?.resume();
  }

  #setFlow(): void {
    const full = this.#request?.upstreamFull === true;
    const pause = full || (this.#phase === WAIT && this.#held !== undefined);
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#socket.pause();
    else this.#socket.resume();
    // Who is not read cannot be late.
    if (this.#phase === BODY) this.deadline = pause ? Infinity : this.#deadlines.in(this.#timeouts.bodyIdle);
  }

  #endConnection(): void {
    if (this.#phase === LINGER || this.#phase === CLOSED) return;
    this.#phase = LINGER;
    this.deadline = this.#deadlines.in(this.#timeouts.bodyIdle);
    this.#socket.once('finish', () => {
      this.deadline = this.#deadlines.in(LINGER_MS);
    });
    this.#socket.end();
  }

  #close(): void {
    this.#phase = CLOSED;
    this.#held = undefined;
    this.#deadlines.forget(this);
    this.#request?.abort(undefined);
    this.#request = undefined;
    this.#resolveClosed();
  }
}

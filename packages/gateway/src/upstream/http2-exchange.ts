/** One request to an HTTP/2 upstream. */
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Deadlines, Timed } from '../clock/deadlines.ts';
import type { DataMetrics, HttpTimeouts } from '../connection.ts';
import { CONTENT_LENGTH, DATE, FORWARD, responseFieldKind } from '../headers/names.ts';
import { CHUNKED, parseLength } from '../http1/body.ts';
import { isToken } from '../http1/octets.ts';
import { listOfLines, sendTrailers, trailerLines } from '../http2/field-lines.ts';
import type { Exchange, ExchangeClient, UpstreamRequest, UpstreamResponse } from './exchange.ts';
import type { UpstreamSession } from './http2-upstream.ts';
import { isReplayable } from './request-head.ts';

const END_STREAM = 0x1;
const FIELD_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

export interface SessionSource {
  readonly name: string;
  acquire(fresh: boolean, metrics: DataMetrics): UpstreamSession;
  track(session: UpstreamSession, stream: ClientHttp2Stream): void;
}

export class Http2Exchange implements Exchange, Timed {
  deadline = Infinity;

  readonly #source: SessionSource;
  readonly #request: UpstreamRequest;
  readonly #headers: readonly string[];
  readonly #client: ExchangeClient;
  readonly #timeouts: HttpTimeouts;
  readonly #metrics: DataMetrics;
  readonly #deadlines: Deadlines;
  /** Undefined once the exchange is over. */
  #stream: ClientHttp2Stream | undefined;
  #session: UpstreamSession;
  #retried = false;
  #answered = false;
  #finished = false;
  #sentBody = false;
  #owesContinue: boolean;
  #requestTrailers = '';
  #trailers = '';
  #unsent: Buffer[] = [];
  #unsendable: string | undefined;

  constructor(
    source: SessionSource,
    request: UpstreamRequest,
    basePath: string,
    client: ExchangeClient,
    timeouts: HttpTimeouts,
    metrics: DataMetrics,
    deadlines: Deadlines,
  ) {
    this.#source = source;
    this.#request = request;
    this.#headers = requestHeaders(request, basePath);
    this.#client = client;
    this.#timeouts = timeouts;
    this.#metrics = metrics;
    this.#deadlines = deadlines;
    this.#owesContinue = request.expectsContinue;
    this.#session = this.#acquire(false);
    this.#stream = this.#open();
    deadlines.watch(this);
  }

  write(bytes: Buffer): void {
    if (this.#stream !== undefined && bytes.length > 0) this.#unsent.push(bytes);
  }

  finish(trailers: string): void {
    this.#finished = true;
    this.#requestTrailers = trailers;
  }

  flush(): boolean {
    const stream = this.#stream;
    if (this.#unsendable !== undefined) {
      const detail = this.#unsendable;
      this.#unsendable = undefined;
      this.#over();
      this.#client.failed('upstream_invalid', `the request cannot be sent: ${detail}`);
    }
    if (stream === undefined) return true;
    const parts = this.#unsent;
    if (parts.length > 0) {
      this.#unsent = [];
      this.#sentBody = true;
      stream.write(parts.length === 1 ? parts[0] : Buffer.concat(parts));
    }
    if (this.#finished && !stream.writableEnded) stream.end();
    this.#await();
    if (this.#owesContinue) {
      // HTTP/2 upstreams seldom answer to an expectation, and the client waits for it.
      this.#owesContinue = false;
      this.#client.informational(100, '');
      this.#client.flush();
    }
    return !stream.writableNeedDrain;
  }

  resume(): void {
    this.#stream?.resume();
    this.#await();
  }

  abort(): void {
    reset(this.#over(), 'the client has gone');
  }

  expire(): void {
    const stream = this.#over();
    if (stream === undefined) return;
    reset(stream, 'too late');
    if (this.#answered) this.#client.broken('the response stopped');
    else if (this.#session.connected) this.#client.failed('upstream_timeout', 'no response in time');
    else this.#client.failed('upstream_unreachable', 'no connection in time');
  }

  #acquire(fresh: boolean): UpstreamSession {
    const session = this.#source.acquire(fresh, this.#metrics);
    if (!session.connected) session.session.once('connect', () => this.#await());
    return session;
  }

  #open(): ClientHttp2Stream | undefined {
    const { framing } = this.#request;
    const endStream = framing <= 0 && framing !== CHUNKED;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.session.request(this.#headers, { endStream, waitForTrailers: framing === CHUNKED });
    } catch (error) {
      // What HTTP/1.1 let pass and HTTP/2 does not.
      this.#unsendable = (error as Error).message;
      return undefined;
    }
    this.#source.track(this.#session, stream);
    const live = (listener: () => void) => () => {
      if (this.#stream === stream) listener();
    };
    let failure = '';
    stream.on('wantTrailers', () => sendTrailers(stream, this.#requestTrailers));
    stream.on('headers', (_headers, _flags, raw) => live(() => this.#informational(raw))());
    stream.on('response', (_headers, flags, raw) => live(() => this.#respond(flags, raw))());
    stream.on('trailers', (_headers, _flags, raw) => {
      this.#trailers = trailerLines(raw);
    });
    stream.on('data', (chunk: Buffer) => live(() => this.#body(stream, chunk))());
    stream.on(
      'end',
      live(() => this.#end(stream)),
    );
    stream.on(
      'drain',
      live(() => this.#client.writable()),
    );
    stream.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    stream.on(
      'close',
      live(() => this.#lost(stream, failure)),
    );
    return stream;
  }

  #await(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { upstreamConnect, upstreamResponse, upstreamIdle } = this.#timeouts;
    if (!this.#session.connected) this.deadline = this.#deadlines.in(upstreamConnect);
    else if (this.#answered) this.deadline = stream.isPaused() ? Infinity : this.#deadlines.in(upstreamIdle);
    else if (this.#finished || stream.writableNeedDrain) this.deadline = this.#deadlines.in(upstreamResponse);
    else this.deadline = Infinity;
  }

  #informational(raw: readonly string[]): void {
    const status = Number(raw[raw.indexOf(':status') + 1]);
    // We have said that already.
    if (status === 100) return;
    const result = responseFields(raw);
    if (result === undefined) return;
    this.#client.informational(status, result.fields);
    this.#client.flush();
  }

  #respond(flags: number, raw: readonly string[]): void {
    const status = Number(raw[raw.indexOf(':status') + 1]);
    const result = responseFields(raw);
    if (result === undefined || !Number.isInteger(status) || status < 200 || status > 599) {
      reset(this.#over(), 'malformed fields');
      this.#client.failed('upstream_invalid', 'a response with malformed fields');
      return;
    }
    const bodyless = status === 204 || status === 304 || this.#request.method === 'HEAD';
    const hasBody = !bodyless && (flags & END_STREAM) === 0;
    const length = result.length ?? (hasBody || bodyless ? undefined : 0);
    const { fields, hasDate } = result;
    const response: UpstreamResponse = { status, reason: '', fields, hasDate, length, hasBody };
    this.#answered = true;
    this.#client.response(response);
    if (!hasBody) this.#stream?.resume();
    this.#await();
  }

  #body(stream: ClientHttp2Stream, chunk: Buffer): void {
    this.#client.body(chunk);
    if (!this.#client.flush() && this.#stream === stream) stream.pause();
    this.#await();
  }

  #end(stream: ClientHttp2Stream): void {
    // A stream that was reset ends too, and is no complete response.
    if (!this.#answered || stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    this.#over();
    if (!this.#finished) reset(stream, 'answered before the request was complete');
    this.#client.end(this.#trailers);
    this.#client.flush();
  }

  #lost(stream: ClientHttp2Stream, failure: string): void {
    const { used, connected } = this.#session;
    const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    const dropped = used && isReplayable(this.#request) && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    if (!this.#answered && !this.#retried && !this.#sentBody && (refused || dropped)) {
      this.#retried = true;
      this.#metrics.upstreamRetried(this.#source.name);
      this.#session = this.#acquire(true);
      this.#stream = this.#open();
      this.flush();
      return;
    }
    this.#over();
    const detail = `the stream ended (${failure === '' ? `code ${stream.rstCode}` : failure})`;
    if (this.#answered) this.#client.broken(detail);
    else this.#client.failed(connected ? 'upstream_invalid' : 'upstream_unreachable', detail);
  }

  #over(): ClientHttp2Stream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#deadlines.forget(this);
    return stream;
  }
}

/** `close` with a code would end the body first, as if it were whole: only an error resets the stream. */
function reset(stream: ClientHttp2Stream | undefined, reason: string): void {
  stream?.destroy(new Error(reason));
}

function requestHeaders(request: UpstreamRequest, basePath: string): string[] {
  const headers = [
    ':method',
    request.method,
    ':scheme',
    'http',
    ':authority',
    request.host,
    ':path',
    `${basePath}${request.target}`,
    ...listOfLines(request.fields),
  ];
  if (request.framing >= 0) headers.push('content-length', String(request.framing));
  if (request.acceptsTrailers) headers.push('te', 'trailers');
  return headers;
}

function responseFields(
  raw: readonly string[],
): { fields: string; hasDate: boolean; length: number | undefined } | undefined {
  let fields = '';
  let hasDate = false;
  let length: number | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    if (name.startsWith(':')) continue;
    if (!isToken(name) || !FIELD_VALUE.test(value)) return undefined;
    const kind = responseFieldKind(name);
    if (kind === DATE) hasDate = true;
    if (kind === FORWARD || kind === DATE) fields += `${name}: ${value}\r\n`;
    if (kind !== CONTENT_LENGTH) continue;
    if (length !== undefined) return undefined;
    length = parseLength(value);
    if (length === undefined) return undefined;
  }
  return { fields, hasDate, length };
}

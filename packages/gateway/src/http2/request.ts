/** One stream of an HTTP/2 connection: judged, passed on, answered, logged. */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Deadlines, Timed } from '../clock/deadlines.ts';
import { httpDate } from '../clock/http-date.ts';
import type { AccessEntry, ConnectionContext, HttpOptions, Router } from '../connection.ts';
import type { RequestFields } from '../headers/request-fields.ts';
import type { ProblemCode, RefusalCode } from '../refusal/codes.ts';
import { closesConnection, describeProblem } from '../refusal/problem.ts';
import { judgeMalformed } from '../routing/router.ts';
import type { Exchange, ExchangeClient, UpstreamResponse } from '../upstream/exchange.ts';
import { listOfLines, objectOfLines, sendTrailers, trailerLines } from './field-lines.ts';
import { readHttp2Request } from './request-fields.ts';

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly context: ConnectionContext;
  readonly router: Router;
  readonly options: HttpOptions;
  readonly deadlines: Deadlines;
  readonly fields: RequestFields;
  /** The stream has ended. @param closing the connection has to end as well */
  done(request: Http2Request, closing: boolean): void;
}

export class Http2Request implements ExchangeClient, Timed {
  deadline = Infinity;

  readonly #host: StreamHost;
  readonly #stream: ServerHttp2Stream;
  readonly #entry: AccessEntry;
  #exchange: Exchange | undefined;
  #requestTrailers = '';
  #responseTrailers = '';
  #pieces: Buffer[] = [];
  #ended = false;
  #closing = false;
  /** The whole request has come. */
  #requestComplete: boolean;
  #upstreamFull = false;

  constructor(host: StreamHost, stream: ServerHttp2Stream, ordinal: number, ended: boolean) {
    const { context } = host;
    this.#host = host;
    this.#stream = stream;
    this.#requestComplete = ended;
    this.#entry = {
      time: context.now(),
      correlationId: `${context.id}-${ordinal}`,
      protocol: 'HTTP/2',
      method: undefined,
      host: undefined,
      path: undefined,
      status: 0,
      code: undefined,
      detail: undefined,
      route: undefined,
      upstream: undefined,
      bytesIn: 0,
      bytesOut: 0,
      durationMs: 0,
      complete: false,
    };
    host.deadlines.watch(this);
    // 'close' follows and says all that matters.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#closed());
    stream.on('drain', () => this.#drained());
  }

  /** @param raw names and values in turn, as they came */
  begin(raw: readonly string[]): void {
    try {
      this.#judge(raw);
    } catch (error) {
      // A fault of ours ends the stream that met it, and not the worker with all the others.
      this.broken(`internal: ${String(error)}`);
    }
  }

  #judge(raw: readonly string[]): void {
    const { context, router, options, fields } = this.#host;
    const entry = this.#entry;
    const result = readHttp2Request(raw, this.#requestComplete);
    if (!result.ok) {
      const { code, detail } = judgeMalformed(context, result.detail);
      this.#refuse(code, detail);
      return;
    }
    const head = result.head;
    entry.method = head.method;
    entry.host = head.authority;
    entry.path = head.path;
    const decision = router.resolve(head.authority, head.path, context);
    if (!decision.ok) {
      this.#refuse(decision.code, decision.detail);
      return;
    }
    const { route, host, path } = decision;
    entry.host = host;
    entry.path = path;
    entry.route = route.id;
    entry.upstream = route.upstream.name;
    if (head.framing > (options.limits.body ?? Infinity)) {
      this.#refuse('bad_request', 'the body is too long');
      return;
    }
    const exchange = route.upstream.open(
      {
        method: head.method,
        target: path + head.query,
        host,
        fields: head.fields + fields.lines(host, entry.correlationId),
        framing: head.framing,
        upgrade: undefined,
        expectsContinue: head.expectsContinue,
        acceptsTrailers: head.acceptsTrailers,
      },
      this,
      options.timeouts,
      context.metrics,
    );
    this.#exchange = exchange;
    if (this.#requestComplete) exchange.finish('');
    else this.#readBody();
    exchange.flush();
  }

  /** The whole response has been given to the stream. */
  get answered(): boolean {
    return this.#ended;
  }

  /** The connection is to end without further bytes. */
  kill(reason: RefusalCode | undefined): void {
    this.#entry.code ??= reason;
    this.#abandonUpstream();
  }

  expire(): void {
    if (this.#stream.headersSent) this.#reset('the client takes nothing, or sends nothing');
    else this.#refuse('bad_request', 'the body did not come in time');
  }

  // ---- from the client

  #readBody(): void {
    const stream = this.#stream;
    const limit = this.#host.options.limits.body ?? Infinity;
    stream.on('trailers', (_fields, _flags, raw) => {
      this.#requestTrailers = trailerLines(raw);
    });
    stream.on('data', (chunk: Buffer) => {
      this.#entry.bytesIn += chunk.length;
      const exchange = this.#exchange;
      if (exchange === undefined) return;
      if (this.#entry.bytesIn > limit) {
        this.#refuse('bad_request', 'the body is too long');
        return;
      }
      exchange.write(chunk);
      if (!exchange.flush()) {
        this.#upstreamFull = true;
        stream.pause();
      }
      this.#awaitClient();
    });
    stream.on('end', () => {
      // A stream that was reset ends too, and is no complete request.
      if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
      this.#requestComplete = true;
      this.#awaitClient();
      this.#exchange?.finish(this.#requestTrailers);
      this.#exchange?.flush();
    });
    this.#awaitClient();
  }

  #drained(): void {
    this.#awaitClient();
    this.#exchange?.resume();
  }

  /** What the client may be late with: its body, or taking ours. Who is not read cannot be late. */
  #awaitClient(): void {
    const reading = !this.#requestComplete && !this.#upstreamFull;
    const waits = reading || this.#stream.writableNeedDrain || (this.#ended && !this.#stream.writableFinished);
    this.deadline = waits ? this.#host.deadlines.in(this.#host.options.timeouts.bodyIdle) : Infinity;
  }

  // ---- from the upstream

  informational(status: number, fields: string): void {
    if (this.#stream.destroyed || this.#stream.headersSent) return;
    try {
      this.#stream.additionalHeaders({ ...objectOfLines(fields), ':status': status });
    } catch (error) {
      this.#entry.detail = `an informational response that HTTP/2 cannot carry: ${(error as Error).message}`;
    }
  }

  response(response: UpstreamResponse): void {
    this.#entry.status = response.status;
    const list = [':status', String(response.status), ...listOfLines(response.fields)];
    if (!response.hasDate) list.push('date', httpDate(this.#host.context.now()));
    if (response.length !== undefined) list.push('content-length', String(response.length));
    const mayHaveTrailers = response.hasBody && response.length === undefined;
    this.#respond(list, !response.hasBody, mayHaveTrailers);
    if (!mayHaveTrailers) return;
    this.#stream.on('wantTrailers', () => sendTrailers(this.#stream, this.#responseTrailers));
  }

  tunnel(): void {
    // No upgrade was asked for, so that none can be agreed to.
    this.#abandonUpstream();
    this.#refuse('upstream_invalid', '101 to no such request');
  }

  body(bytes: Buffer): void {
    this.#entry.bytesOut += bytes.length;
    this.#pieces.push(bytes);
  }

  end(trailers: string): void {
    this.#ended = true;
    this.#exchange = undefined;
    this.#responseTrailers = trailers;
  }

  flush(): boolean {
    const stream = this.#stream;
    // The views end with this call: what is written is a copy.
    const bytes = this.#pieces.length === 0 ? undefined : Buffer.concat(this.#pieces);
    if (bytes !== undefined) this.#pieces = [];
    if (stream.destroyed || stream.writableEnded) return true;
    if (this.#ended) stream.end(bytes);
    const more = this.#ended || bytes === undefined || stream.write(bytes);
    if (this.#ended || !more) this.#awaitClient();
    return more;
  }

  writable(): void {
    if (!this.#upstreamFull) return;
    this.#upstreamFull = false;
    this.#awaitClient();
    this.#stream.resume();
  }

  failed(code: ProblemCode, detail: string): void {
    this.#exchange = undefined;
    this.#refuse(code, detail);
  }

  broken(detail: string): void {
    this.#exchange = undefined;
    this.#entry.detail = detail;
    this.#reset(detail);
  }

  // ---- ends

  #abandonUpstream(): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
  }

  #refuse(code: ProblemCode, detail: string): void {
    this.#abandonUpstream();
    this.#entry.code = code;
    this.#entry.detail = detail;
    const stream = this.#stream;
    if (stream.destroyed) return;
    if (stream.headersSent) {
      this.#reset(detail);
      return;
    }
    // Streams do not share their framing: what is wrong with one says nothing about the others, but for the certificate.
    this.#closing = code !== 'bad_request' && closesConnection(code);
    const problem = describeProblem(code, this.#entry.correlationId);
    this.#entry.status = problem.status;
    const list = [':status', String(problem.status), 'date', httpDate(this.#host.context.now())];
    for (const [name, value] of Object.entries(problem.fields)) list.push(name, value);
    list.push('content-length', String(problem.body.length));
    const bodyless = this.#entry.method === 'HEAD';
    this.#ended = true;
    this.#respond(list, bodyless, false);
    if (!bodyless) {
      this.#entry.bytesOut = problem.body.length;
      stream.end(problem.body);
    }
    this.#awaitClient();
    // RFC 9113 section 8.1: the rest of the request is not wanted.
    if (!this.#requestComplete) stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
  }

  /** `close` with a code would end the body first, as if it were whole: only an error resets the stream. */
  #reset(reason: string): void {
    this.#stream.destroy(new Error(reason));
  }

  #respond(list: string[], endStream: boolean, waitForTrailers: boolean): void {
    if (this.#stream.destroyed) return;
    try {
      this.#stream.respond(list, { endStream, waitForTrailers });
    } catch (error) {
      // What HTTP/1.1 let pass and HTTP/2 does not.
      this.#entry.code = 'upstream_invalid';
      this.#entry.detail = `a response that HTTP/2 cannot carry: ${(error as Error).message}`;
      this.#reset(this.#entry.detail);
    }
  }

  #closed(): void {
    this.#host.deadlines.forget(this);
    this.#abandonUpstream();
    const entry = this.#entry;
    entry.complete = this.#ended && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR;
    entry.durationMs = this.#host.context.now() - entry.time;
    this.#host.context.log(entry);
    this.#host.done(this, this.#closing);
  }
}

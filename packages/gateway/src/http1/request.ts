/** One request of an HTTP/1.1 connection: judged, passed on, answered, logged. */
import type { AccessEntry, ConnectionContext, HttpOptions, Router } from '../connection.ts';
import type { RequestFields } from '../headers/request-fields.ts';
import type { ProblemCode, RefusalCode } from '../refusal/codes.ts';
import { closesConnection, describeProblem } from '../refusal/problem.ts';
import { judgeMalformed } from '../routing/router.ts';
import type { Exchange, ExchangeClient, UpstreamResponse } from '../upstream/exchange.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseWriter } from './response-writer.ts';

/** What a request needs of its connection. */
export interface RequestHost {
  readonly context: ConnectionContext;
  readonly router: Router;
  readonly options: HttpOptions;
  readonly fields: RequestFields;
  readonly writer: ResponseWriter;
  /** This is the last request, for reasons of the connection. */
  readonly last: boolean;
  /** The body has been read to its end. */
  readonly bodyComplete: boolean;
  /** The response is out. */
  done(closing: boolean): void;
  tunnelled(): void;
  /** The upstream has said all that it has to say in the tunnel. */
  upstreamEnded(): void;
  /** Nothing that could still be said would be true. */
  destroy(): void;
  /** The client, or the upstream, takes more or less than before. */
  flowChanged(): void;
}

export class Http1Request implements ExchangeClient {
  /** The upstream takes no more for now. */
  upstreamFull = false;
  /** A response, final or a refusal, has begun. */
  responded = false;

  readonly #host: RequestHost;
  readonly #entry: AccessEntry;
  #head: RequestHead | undefined;
  #exchange: Exchange | undefined;
  #closing = false;
  #ended = false;
  #tunnel = false;
  #logged = false;

  constructor(host: RequestHost, ordinal: number) {
    this.#host = host;
    const { context } = host;
    this.#entry = {
      time: context.now(),
      correlationId: `${context.id}-${ordinal}`,
      protocol: 'HTTP/1.1',
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
  }

  // ---- from the client

  /** The head is read; it goes to the upstream, or is refused. */
  begin(head: RequestHead): void {
    const { context, router, options, fields } = this.#host;
    const entry = this.#entry;
    this.#head = head;
    this.#closing = this.#host.last || !head.persistent;
    entry.protocol = head.version === '1.1' ? 'HTTP/1.1' : 'HTTP/1.0';
    entry.method = head.method;
    entry.host = head.authority;
    entry.path = head.path;
    const decision = router.resolve(head.authority, head.path, context);
    if (!decision.ok) {
      this.refuse(decision.code, decision.detail);
      return;
    }
    const { route, host, path } = decision;
    entry.host = host;
    entry.path = path;
    entry.route = route.id;
    entry.upstream = route.upstream.name;
    if (head.framing > (options.limits.body ?? Infinity)) {
      this.refuse('bad_request', 'the body is too long');
      return;
    }
    this.#exchange = route.upstream.open(
      {
        method: head.method,
        target: path + head.query,
        host,
        fields: head.fields + fields.lines(host, entry.correlationId),
        framing: head.framing,
        upgrade: head.upgrade,
        expectsContinue: head.expectsContinue,
        acceptsTrailers: head.acceptsTrailers,
      },
      this,
      options.timeouts,
      context.metrics,
    );
  }

  /** The head, or the body, cannot be read. */
  malformed(detail: string): void {
    const { code, detail: words } = judgeMalformed(this.#host.context, detail);
    this.refuse(code, words);
  }

  write(bytes: Buffer): void {
    this.#entry.bytesIn += bytes.length;
    this.#exchange?.write(bytes);
  }

  /** The body is complete, or the client's side of the tunnel. */
  finish(trailers: string): void {
    this.#exchange?.finish(trailers);
  }

  /** What was written goes to the upstream. */
  flushUpstream(): void {
    if (this.#exchange !== undefined) this.upstreamFull = !this.#exchange.flush();
  }

  /** The client takes more. */
  resume(): void {
    this.#exchange?.resume();
  }

  /** The connection has ended, or is to end without further bytes. */
  abort(reason: RefusalCode | undefined): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
    this.#entry.code ??= reason;
    this.#log(false);
  }

  refuse(code: ProblemCode, detail: string): void {
    this.#exchange?.abort();
    this.#exchange = undefined;
    this.#entry.code = code;
    this.#entry.detail = detail;
    if (this.responded) {
      this.#host.destroy();
      return;
    }
    this.responded = true;
    const { writer, context } = this.#host;
    const problem = describeProblem(code, this.#entry.correlationId);
    this.#closing ||= this.#host.last || closesConnection(code) || !this.#host.bodyComplete;
    this.#entry.status = problem.status;
    writer.problem(problem, this.#closing, this.#head?.method !== 'HEAD', context.now());
    writer.flush();
    this.#complete();
  }

  // ---- from the upstream

  informational(status: number, fields: string): void {
    if (this.#head?.version === '1.1') this.#host.writer.informational(status, fields);
  }

  response(response: UpstreamResponse): void {
    const { writer, context } = this.#host;
    // Who answers before the request is complete may not read the rest of it: only the end of the connection ends it for certain.
    this.#closing ||= this.#host.last || !this.#host.bodyComplete;
    this.responded = true;
    this.#entry.status = response.status;
    const chunks = this.#head?.version === '1.1';
    if (!chunks && response.length === undefined) this.#closing = true;
    writer.begin(response, this.#closing, chunks, context.now());
  }

  tunnel(response: UpstreamResponse, upgrade: string): void {
    this.responded = true;
    this.#closing = true;
    this.#tunnel = true;
    this.#entry.status = 101;
    this.#host.writer.beginTunnel(response, upgrade);
    this.#host.context.metrics.tunnelOpened();
    this.#host.tunnelled();
  }

  body(bytes: Buffer): void {
    this.#host.writer.body(bytes);
  }

  end(trailers: string): void {
    this.#ended = true;
    if (!this.#tunnel) this.#exchange = undefined;
    this.#host.writer.end(trailers);
  }

  flush(): boolean {
    const more = this.#host.writer.flush();
    if (this.#ended && this.#tunnel) this.#host.upstreamEnded();
    else if (this.#ended) this.#complete();
    else if (!more) this.#host.flowChanged();
    return more;
  }

  writable(): void {
    if (!this.upstreamFull) return;
    this.upstreamFull = false;
    this.#host.flowChanged();
  }

  failed(code: ProblemCode, detail: string): void {
    this.#exchange = undefined;
    this.refuse(code, detail);
  }

  broken(detail: string): void {
    this.#exchange = undefined;
    this.#entry.detail = detail;
    this.#host.destroy();
  }

  #complete(): void {
    this.#log(true);
    this.#host.done(this.#closing);
  }

  #log(complete: boolean): void {
    if (this.#logged) return;
    this.#logged = true;
    const { context, writer } = this.#host;
    const entry = this.#entry;
    entry.complete = complete || (this.#tunnel && this.#ended);
    if (this.responded) entry.bytesOut = writer.bytesOut;
    entry.durationMs = context.now() - entry.time;
    if (this.#tunnel) context.metrics.tunnelClosed();
    context.log(entry);
  }
}

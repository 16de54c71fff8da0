import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';

import { problemDocument, refusal } from '@countersign/trust';
import type { VerdictCode } from '@countersign/trust';

/** How long a client that is refused may take to say what it wants. */
const REQUEST_MS = 10_000;
/** From the refusal to the end of the connection. */
const END_MS = 2000;

/** Why a connection is refused. */
export interface Refusal {
  readonly code: VerdictCode;
  readonly correlationId: string;
}

/**
 * Servers that answer every request of a refused connection with the reason (RFC 9457) and close it, its body unread. They are
 * other servers than the application's, which so never hears of such a connection.
 */
export class RefusingServers {
  readonly #refusals = new WeakMap<object, Refusal>();
  readonly #http1 = createHttpServer({
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    connectionsCheckingInterval: 1000,
  });
  readonly #http2 = createHttp2Server({ settings: { enablePush: false, maxConcurrentStreams: 16 } });

  constructor() {
    this.#http1.on('request', (request: IncomingMessage, response) => this.#answer(request.socket, request, response));
    // What asks for something else than an answer is told the same.
    for (const event of ['upgrade', 'connect'] as const) this.#http1.on(event, (_request, socket) => socket.destroy());
    this.#http1.on('checkContinue', (request: IncomingMessage, response) =>
      this.#answer(request.socket, request, response),
    );
    this.#http1.on('clientError', (_error, socket) => socket.destroy());
    this.#http2.on('session', (session) => {
      const refused = this.#current;
      if (refused !== undefined) this.#refusals.set(session, refused);
      session.on('error', () => session.destroy());
    });
    this.#http2.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
      const { session } = request.stream;
      if (session === undefined) return;
      this.#answer(session, request, response);
      session.close();
    });
  }

  /** The one whose session is being made: `session` is told within `connection`. */
  #current: Refusal | undefined;

  /** Answers what comes over this connection. */
  take(socket: TLSSocket, refused: Refusal): void {
    this.#refusals.set(socket, refused);
    socket.on('error', () => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), REQUEST_MS + END_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
    this.#current = refused;
    const server = socket.alpnProtocol === 'h2' ? this.#http2 : this.#http1;
    server.emit('connection', socket);
    this.#current = undefined;
  }

  #answer(
    connection: object,
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void {
    const refused = this.#refusals.get(connection);
    if (refused === undefined) {
      request.destroy();
      return;
    }
    const { code, correlationId } = refused;
    const entry = refusal(code);
    const { body, fields } = problemDocument(code, entry, correlationId);
    const isHttp1 = request.httpVersionMajor === 1;
    response.statusCode = entry.status;
    for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
    response.setHeader('content-length', Buffer.byteLength(body));
    if (isHttp1) response.setHeader('connection', 'close');
    if (request.method === 'HEAD') response.end();
    else response.end(body);
  }
}

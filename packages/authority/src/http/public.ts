import { Server } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { QuickConnections } from './quick-connections.ts';
import type { QuickAnswer } from './quick-connections.ts';
import type { WholeRequest } from './whole-request.ts';

/** One request to the plain listener. `path` is without its query. */
export interface PublicExchange {
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Something that the plain listener serves: everything on it is signed or a question about what is signed, so it needs no TLS. */
export interface PublicRoute {
  /** What paths of it begin with. */
  readonly prefix: string;
  readonly methods: readonly string[];
  /** Answers; `false` where nothing is published under the path. Nobody has read the request's body. */
  readonly answer: (exchange: PublicExchange) => Promise<boolean>;
  /** What `answer` would send with 200, where that is known in the same turn; undefined for everything else. */
  readonly atOnce?: (request: WholeRequest) => QuickAnswer | undefined;
}

const keptMs = 5000;
const options = { requestTimeout: 10_000, keepAliveTimeout: keptMs, maxHeaderSize: 8192 };
const sweepMs = 1000;

/**
 * The plain HTTP listener, with everything that is published for anybody. It is node:http's, save that connections begin as quick ones where
 * a route can answer at once: those cost half as much.
 */
export class PublicServer extends Server {
  readonly #quick: QuickConnections;

  constructor(routes: readonly PublicRoute[], log: Logger) {
    super(options, (request, response) => {
      answer(routes, request, response).catch((error: unknown) => {
        log.error({ err: error, url: request.url }, 'cannot publish');
        // What has begun cannot be taken back: it must not look whole.
        if (response.headersSent) response.destroy();
        else response.writeHead(503).end();
      });
    });
    const takers = this.listeners('connection') as ((socket: Socket) => void)[];
    this.#quick = new QuickConnections({
      answer: (request) => routeOf(routes, request.head.target)?.atOnce?.(request),
      handOver: (socket) => {
        for (const take of takers) take.call(this, socket);
      },
      // Once it takes no more connections every answer is the last one of its connection, which node:http tells.
      keeps: () => this.listening,
      keptSeconds: keptMs / 1000,
      clock: () => Date.now(),
      failed: (error) => log.error({ err: error }, 'cannot answer at once'),
    });
    if (routes.every(({ atOnce }) => atOnce === undefined)) return;
    this.removeAllListeners('connection').on('connection', (socket) => this.#quick.take(socket));
    let sweeping: NodeJS.Timeout | undefined;
    this.on('listening', () => {
      sweeping = setInterval(() => this.#quick.sweep(), sweepMs).unref();
    });
    this.on('close', () => clearInterval(sweeping));
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections();
    this.#quick.close();
  }

  override closeAllConnections(): void {
    super.closeAllConnections();
    this.#quick.close();
  }
}

async function answer(
  routes: readonly PublicRoute[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?');
  const method = request.method ?? '';
  const route = routeOf(routes, path);
  if (route !== undefined && !route.methods.includes(method)) {
    response.writeHead(405, { allow: route.methods.join(', ') }).end();
    return;
  }
  if ((await route?.answer({ path, request, response })) !== true) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  }
}

function routeOf(routes: readonly PublicRoute[], path: string): PublicRoute | undefined {
  return routes.find(({ prefix }) => path.startsWith(prefix));
}

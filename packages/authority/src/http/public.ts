import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';

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
}

/** The plain HTTP listener, with everything that is published for anybody. */
export function publicServer(routes: readonly PublicRoute[], log: Logger): Server {
  const options = { requestTimeout: 10_000, keepAliveTimeout: 5000, maxHeaderSize: 8192 };
  return createServer(options, (request, response) => {
    answer(routes, request, response).catch((error: unknown) => {
      log.error({ err: error, url: request.url }, 'cannot publish');
      // What has begun cannot be taken back: it must not look whole.
      if (response.headersSent) response.destroy();
      else response.writeHead(503).end();
    });
  });
}

async function answer(
  routes: readonly PublicRoute[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?');
  const method = request.method ?? '';
  const route = routes.find(({ prefix }) => path.startsWith(prefix));
  if (route !== undefined && !route.methods.includes(method)) {
    response.writeHead(405, { allow: route.methods.join(', ') }).end();
    return;
  }
  if ((await route?.answer({ path, request, response })) !== true) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  }
}

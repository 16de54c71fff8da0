import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Server as SecureServer, ServerOptions } from 'node:https';
import { routes } from '@countersign/protocol';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { WhoCalls } from './api.ts';
import { estPlugin, estPrefix } from './est/plugin.ts';
import type { EstParts } from './est/plugin.ts';
import { problemOf, ProblemError, sendProblem } from './problem.ts';
import type { RouteParts } from './routes.ts';
import { serveApi } from './routes.ts';

/** A request has ten seconds to arrive, a PEM chain and a thousand names fit in the body. */
export const limits = { requestTimeout: 10_000, bodyLimit: 512 << 10 };

/** A server with the whole API on it. */
export interface Application<S extends Server | SecureServer> {
  readonly server: S;
  ready(): Promise<void>;
}

/** The API for the local socket. */
export function localApplication(whoCalls: WhoCalls, parts: RouteParts, log: Logger): Application<Server> {
  let server: Server | undefined;
  const app = application((listener) => (server = createServer({ requestTimeout: limits.requestTimeout }, listener)));
  return finish(app, () => server, whoCalls, parts, log);
}

/** The API over mutual TLS, and EST where there are parts of it; `tls` says how. */
export function secureApplication(
  tls: ServerOptions,
  whoCalls: WhoCalls,
  parts: RouteParts,
  log: Logger,
  est?: EstParts,
): Application<SecureServer> {
  let server: SecureServer | undefined;
  const options = { ...tls, requestTimeout: limits.requestTimeout };
  const app = application((listener) => (server = createSecureServer(options, listener)));
  // Fastify takes it in when it is ready, and tells then what went wrong.
  if (est !== undefined) void app.register(estPlugin(est, whoCalls), { prefix: estPrefix });
  return finish(app, () => server, whoCalls, parts, log);
}

/** A fastify application on a server of ours. */
export function application(make: (listener: RequestListener) => Server | SecureServer): FastifyInstance {
  return fastify({
    bodyLimit: limits.bodyLimit,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 128 },
    // Fastify knows an https.Server here at run time only.
    serverFactory: (handler) => make(handler) as Server,
  });
}

function finish<S extends Server | SecureServer>(
  app: FastifyInstance,
  server: () => S | undefined,
  whoCalls: WhoCalls,
  parts: RouteParts,
  log: Logger,
): Application<S> {
  answerWithProblems(app, log, knownPaths);
  serveApi(app, whoCalls, parts);
  const made = server();
  if (made === undefined) throw new Error('fastify makes its server at once');
  return {
    server: made,
    ready: async () => {
      await app.ready();
    },
  };
}

const knownPaths = Object.values(routes).map(({ path }) => new RegExp(`^${path.replaceAll(/:\w+/gu, '[^/]+')}$`, 'u'));

/** Answers refusals and failures with problem documents, and logs what is answered; `paths` take other methods at least. */
export function answerWithProblems(app: FastifyInstance, log: Logger, paths: readonly RegExp[]): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply, error: ProblemError): Promise<void> => {
    const { correlationId, status } = await sendProblem(reply, error.code, error.message);
    const level = status >= 500 ? 'error' : 'info';
    const { method, url } = request;
    log[level](
      { correlationId, status, code: error.code, detail: error.message, method, url, err: error.cause },
      'refused',
    );
  };
  app.setErrorHandler((error, request, reply) => answer(request, reply, requestError(error)));
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const known = paths.some((pattern) => pattern.test(path));
    return answer(
      request,
      reply,
      new ProblemError(known ? 'method_not_allowed' : 'not_found', `${request.method} ${path}`),
    );
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    if (reply.statusCode < 400)
      log.info({ method, url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
}

/** Fastify's own refusals, and whatever a handler threw. */
function requestError(error: unknown): ProblemError {
  if (!(error instanceof Error) || !('statusCode' in error)) return problemOf(error);
  if (error.statusCode === 413) return new ProblemError('too_large', error.message);
  if (error.statusCode === 415) return new ProblemError('unsupported_media_type', 'the body is application/json');
  if (typeof error.statusCode === 'number' && error.statusCode < 500)
    return new ProblemError('bad_request', error.message);
  return problemOf(error);
}

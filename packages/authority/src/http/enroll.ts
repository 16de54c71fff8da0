import { createServer } from 'node:https';
import type { Server as SecureServer, ServerOptions } from 'node:https';
import type { Logger } from 'pino';
import { acmePlugin } from './acme/plugin.ts';
import type { AcmeParts } from './acme/resources.ts';
import { acmePrefix } from './acme/urls.ts';
import { answerWithProblems, application, limits } from './application.ts';
import type { Application } from './application.ts';

/** How many connections the listener has at a time: nobody has shown who they are yet. */
const connectionsLimit = 4096;

/** The listener that asks for no client certificate: for those who have none yet. */
export function enrollApplication(
  tls: ServerOptions,
  acme: AcmeParts | undefined,
  log: Logger,
): Application<SecureServer> {
  let server: SecureServer | undefined;
  const options = { ...tls, requestTimeout: limits.requestTimeout };
  const app = application((listener) => (server = createServer(options, listener)));
  answerWithProblems(app, log, []);
  // Fastify takes it in when it is ready, and tells then what went wrong.
  if (acme !== undefined) void app.register(acmePlugin(acme), { prefix: acmePrefix });
  if (server === undefined) throw new Error('fastify makes its server at once');
  server.maxConnections = connectionsLimit;
  return {
    server,
    ready: async () => {
      await app.ready();
    },
  };
}

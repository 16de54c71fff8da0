import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { Server as NetServer } from 'node:net';
import { emptyAcceptQueue } from '@countersign/trust';

/** How long a connection without a request is waited for: what it has sent may still be under way to us. */
const graceMs = 500;

/** How long an answer under way may take when the authority ends. */
const drainMs = 5000;

/** How long those who go on coming are let in when the authority ends. */
const acceptMs = 1000;

/** Something that ends. */
export type Closing = () => Promise<void> | void;

/** Ends everything, last begun first; each at most once. */
export async function closeAll(closing: Closing[]): Promise<void> {
  for (const end of closing.splice(0).toReversed()) await end();
}

/**
 * Takes no new connection and answers what is asked on those that it has, each with its last answer. What is still unanswered after a
 * while is cut off.
 */
export async function drain(server: Server | SecureServer): Promise<void> {
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
  await emptyAcceptQueue(server, acceptMs);
  const { promise, resolve } = Promise.withResolvers<void>();
  // http's own close() would at once cut off every connection whose request has not been read yet.
  NetServer.prototype.close.call(server, () => resolve());
  const begun = performance.now();
  const grace = setInterval(() => {
    if (performance.now() - begun >= graceMs) server.closeIdleConnections();
  }, 50);
  const late = setTimeout(() => server.closeAllConnections(), drainMs);
  await promise;
  clearInterval(grace);
  clearTimeout(late);
  // Ends http's own timer; the server does not run any more, which is all it would say.
  server.close(() => undefined);
}

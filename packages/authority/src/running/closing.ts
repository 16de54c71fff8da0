import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { Server as NetServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a connection without a request is waited for: what it has sent may still be under way to us. */
const graceMs = 500;

/** How long an answer under way may take when the authority ends. */
const drainMs = 5000;

/** How long those who go on coming are let in when the authority ends. */
const acceptMs = 1000;

/** A turn of the event loop this short leaves no time for a connection to arrive unseen between its poll and the close. */
const shortTurnMs = 1;

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
  await emptyQueue(server);
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

/**
 * Resolves when a turn of the event loop has let nobody in: the kernel resets whoever still stands in the queue of a socket that is
 * closed, and a busy process does not let all of them in at one turn.
 */
async function emptyQueue(server: Server | SecureServer): Promise<void> {
  let accepted = false;
  const onConnection = (): void => {
    accepted = true;
  };
  server.on('connection', onConnection);
  // Called from within a poll, the first of these comes before the rest of what that poll has found.
  await nextTurn();
  const begun = performance.now();
  for (let before = begun, quiet = false; !quiet && before - begun < acceptMs;) {
    accepted = false;
    await nextTurn();
    const now = performance.now();
    quiet = !accepted && now - before <= shortTurnMs;
    before = now;
  }
  server.off('connection', onConnection);
}

import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Application } from '../http/application.ts';

/** How long an answer under way may take when the authority ends. */
const drainMs = 5000;

/** Something that ends: a function, a server, or a server with the API on it. */
export type Closing = (() => Promise<void> | void) | Server | Application<Server>;

/** Ends everything, last begun first; each at most once. */
export async function closeAll(closing: Closing[]): Promise<void> {
  for (const one of closing.splice(0).toReversed()) {
    if (typeof one === 'function') await one();
    else await drain(one);
  }
}

/** Takes nothing new and answers what was asked; what is still unanswered after a while is cut off. */
async function drain(target: Server | Application<Server>): Promise<void> {
  const server = 'server' in target ? target.server : target;
  const patience = new AbortController();
  const closed = close(target).finally(() => patience.abort());
  const late = delay(drainMs, undefined, { ref: false, signal: patience.signal }).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await Promise.all([closed, late]);
}

async function close(target: Server | Application<Server>): Promise<void> {
  if ('server' in target) {
    await target.close();
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  target.close(() => resolve());
  target.closeIdleConnections();
  await promise;
}

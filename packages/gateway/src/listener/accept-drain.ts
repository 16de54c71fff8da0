import type { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A turn of the event loop this short leaves no time for a connection to arrive unseen between the poll and the close. */
const SHORT_TURN_MS = 1;

/**
 * Stops accepting without losing what already waits in the accept queue: goes on accepting until a turn of the event loop has
 * brought no connection, and closes right after. The kernel resets what is in the queue of a listening socket when its last
 * holder closes it, so a plain `close()` would cut off clients that are connected already.
 *
 * @param boundMs - closes after this time even when connections keep coming
 */
export async function closeWhenQueueIsEmpty(server: Server, boundMs: number): Promise<void> {
  const clock = () => performance.now();
  let accepted = false;
  const onConnection = () => {
    accepted = true;
  };
  server.on('connection', onConnection);
  // Called from within a poll, the first immediate runs before the rest of what that poll has found.
  await nextTurn();
  const start = clock();
  let before = start;
  for (;;) {
    await nextTurn();
    const now = clock();
    const quiet = !accepted && now - before <= SHORT_TURN_MS;
    if (quiet || now - start > boundMs) break;
    accepted = false;
    before = now;
  }
  server.close();
  server.off('connection', onConnection);
}

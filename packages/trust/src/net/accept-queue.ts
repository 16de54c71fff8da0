import type { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A turn of the event loop this short leaves no time for a connection to arrive unseen between its poll and the close. */
const SHORT_TURN_MS = 1;

/**
 * Lets in whoever stands in the accept queue of a listening socket: resolves when a turn of the event loop has brought no connection. The
 * kernel resets those who still stand there when the last holder closes the socket, and a busy process does not let all of them in at one
 * turn; so who stops accepting waits for this, and closes in the same turn.
 *
 * @param boundMs - resolves after this time even when connections keep coming
 * @example
 * await emptyAcceptQueue(server, 1000);
 * server.close();
 */
export async function emptyAcceptQueue(server: Server, boundMs: number): Promise<void> {
  const clock = (): number => performance.now();
  let accepted = false;
  const onConnection = (): void => {
    accepted = true;
  };
  server.on('connection', onConnection);
  // Called from within a poll, the first immediate runs before the rest of what that poll has found.
  await nextTurn();
  const begun = clock();
  for (let before = begun, quiet = false; !quiet && before - begun <= boundMs;) {
    accepted = false;
    await nextTurn();
    const now = clock();
    quiet = !accepted && now - before <= SHORT_TURN_MS;
    before = now;
  }
  server.off('connection', onConnection);
}

// Handshakes that fail, by the thousand: nothing of them stays, and who comes after them is served.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { eventually } from '@countersign/testkit';
import { listenerPeers } from '../support/tls-listener.ts';

const rounds = 400;

/** The beginning of a ClientHello that never goes on. */
const half = Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]);

/** What keeps this process busy, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = { TCPSocketWrap: 0, Timeout: 0, TLSWrap: 0 };
  for (const kind of process.getActiveResourcesInfo()) if (kind in counts) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** One connection that goes no further than this; resolves when it is over on this side. */
async function fail(port: number, how: 'silent' | 'reset' | 'noise' | 'http' | 'half'): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  if (how === 'silent') socket.end();
  else if (how === 'reset') socket.resetAndDestroy();
  else if (how === 'noise') socket.write(randomBytes(64).fill(0xff, 0, 1));
  else if (how === 'http') socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  else socket.end(half);
  await closed.catch(() => undefined);
}

test('T50, T51: two thousand handshakes that fail leave no socket and no timer behind, and the port goes on', async () => {
  const peers = await listenerPeers();
  await using fixture = await peers.start({ maxConnections: 1000, maxHandshakes: 1000 });
  await peers.talk(fixture.port);
  await eventually('the first client is gone', 10_000, () => fixture.listener.connections === 0);
  const before = resources();
  for (let round = 0; round < rounds; round += 20) {
    const kinds = (['silent', 'reset', 'noise', 'http', 'half'] as const).flatMap((kind) =>
      Array<typeof kind>(20).fill(kind),
    );
    await Promise.all(kinds.map((kind) => fail(fixture.port, kind)));
  }
  await eventually('all are gone', 20_000, () => fixture.listener.connections === 0);
  assert.equal(fixture.listener.handshakes, 0);
  assert.ok(fixture.failures.length >= rounds, `${fixture.failures.length} failures were told`);
  await eventually('nothing is left of them', 20_000, () => {
    const now = resources();
    return Object.keys(before).every((kind) => (now[kind] ?? 0) <= (before[kind] ?? 0));
  });
  assert.equal((await peers.talk(fixture.port)).text, '2 false');
});

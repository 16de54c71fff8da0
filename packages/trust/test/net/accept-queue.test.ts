import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { emptyAcceptQueue } from '@countersign/trust';

test('whoever is connected already is let in before the socket closes', async () => {
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    socket.end('in');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // The kernel connects them at once; nobody has let them in when this begins.
  const clients = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
  const answers = clients.map((client) => once(client, 'data').then(([bytes]) => String(bytes)));
  await emptyAcceptQueue(server, 1000);
  server.close();
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['in']));
  assert.equal(accepted, 200);
  assert.equal(server.listenerCount('connection'), 1, 'nothing of it is left');
  await once(server, 'close');
});

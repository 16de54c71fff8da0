import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { temporaryFolder } from '@countersign/testkit';
import { adminClient } from '../../src/admin/client.ts';

test('no call over the local socket is lost to a connection that the authority closes after the call before', async () => {
  using folder = temporaryFolder();
  const socketPath = folder.in('admin.sock');
  const calls = new Map<Socket, number>();
  // It keeps connections, as every HTTP/1.1 server, and closes one in the very moment that it is used again.
  const server = createServer((request, response) => {
    const count = (calls.get(request.socket) ?? 0) + 1;
    calls.set(request.socket, count);
    if (count > 1) request.socket.destroy();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ status: 'ok', version: '0.1.0' }));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  try {
    using client = adminClient({ kind: 'socket', socketPath, data: folder.path });
    for (let call = 0; call < 3; call++) await client.call('health', {});
    assert.deepEqual([...calls.values()], [1, 1, 1]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

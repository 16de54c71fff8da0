import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { openListenSocket } from '../../src/primary/listen-socket.ts';

test('a port that somebody listens on is an error that names it', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as net.AddressInfo;
  const result = await openListenSocket({ host: '127.0.0.1', port });
  assert.ok(!result.ok);
  assert.equal(result.code, 'EADDRINUSE');
  assert.match(result.message, new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
  holder.close();
});

test('an address of another machine, and a host that does not exist, are errors', async () => {
  const foreign = await openListenSocket({ host: '192.0.2.1', port: 0 });
  assert.ok(!foreign.ok && foreign.code === 'EADDRNOTAVAIL', JSON.stringify(foreign));
  const unknown = await openListenSocket({ host: 'no-such-host.invalid', port: 0 });
  assert.ok(!unknown.ok && unknown.code === 'ENOTFOUND');
});

test('what is bound is not accepted by the process that holds it, and waits for one that listens', async () => {
  const bound = await openListenSocket({ host: '127.0.0.1', port: 0 });
  assert.ok(bound.ok);
  const { port } = bound.socket.address;
  const first = net.createServer().listen({ _handle: bound.socket.handle } as object);
  await once(first, 'listening');
  assert.equal((first.address() as net.AddressInfo).port, port);
  first.close();
});

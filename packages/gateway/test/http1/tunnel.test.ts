import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho, startRaw } from '../support/raw-upstream.ts';

const UPGRADE = 'GET /socket HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Kept: 1\r\n\r\n';

async function startWebSockets(): Promise<AsyncDisposable & { url: string; upgraded: string[] }> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const upgraded: string[] = [];
  sockets.on('connection', (socket, request) => {
    upgraded.push(String(request.headers['client-cert']));
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upgraded,
    [Symbol.asyncDispose]: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a WebSocket passes, large messages both ways, and is counted', async () => {
  await using upstream = await startWebSockets();
  await using path = await startDataPath({ upstream: upstream.url });
  const socket = new WebSocket(`ws://127.0.0.1:${path.port}/chat`, { headers: { host: 'a.test' } });
  await once(socket, 'open');
  assert.deepEqual([path.counts.tunnelOpened, path.counts.tunnelClosed, path.handles[0]?.inFlight], [1, 0, 1]);
  for (const size of [1, 200_000, 5_000_000]) {
    const message = Buffer.alloc(size, 'ab');
    socket.send(message);
    const [echoed] = (await once(socket, 'message')) as [Buffer];
    assert.ok(message.equals(echoed));
  }
  socket.close(1000);
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1000);
  const entry = await path.entry(0);
  assert.deepEqual([entry.status, entry.path, entry.complete, path.counts.tunnelClosed], [101, '/chat', true, 1]);
  assert.ok(entry.bytesOut > 5_000_000 && entry.bytesIn > 5_000_000);
});

test('kill ends a WebSocket on both sides', async () => {
  await using upstream = await startWebSockets();
  await using path = await startDataPath({ upstream: upstream.url });
  const socket = new WebSocket(`ws://127.0.0.1:${path.port}/`, { headers: { host: 'a.test' } });
  await once(socket, 'open');
  path.handles[0]?.kill('revoked');
  const [code] = (await once(socket, 'close')) as [number];
  assert.equal(code, 1006);
  assert.equal((await path.entry(0)).code, 'revoked');
  assert.equal(path.counts.tunnelClosed, 1);
});

test('bytes behind 101, and bytes that were sent early, belong to the tunnel', async () => {
  await using upstream = await startRaw((socket) => {
    let seen = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      const before = seen;
      seen += text;
      if (before.includes('\r\n\r\n')) socket.write(`<${text}>`);
      else if (seen.includes('\r\n\r\n')) socket.write(`${SWITCH}hello`);
    });
    socket.on('end', () => socket.end('bye'));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(`${UPGRADE}early`);
  const head = await client.response();
  assert.deepEqual(
    [head.status, head.headers['upgrade'], head.headers['connection'], head.headers['x-kept']],
    [101, 'echo', 'Upgrade', '1'],
  );
  assert.equal(await client.bytes(12), 'hello<early>');
  client.send('GET / HTTP/1.1\r\n');
  assert.equal(await client.bytes(18), '<GET / HTTP/1.1\r\n>');
  // The client's end is not the upstream's.
  client.socket.end();
  assert.equal(await client.rest(), 'bye');
  await path.handles[0]?.closed;
});

test('the upstream ends its side first: the client may still speak', async () => {
  let heard = '';
  await using upstream = await startRaw((socket) => {
    socket.setEncoding('latin1');
    socket.once('data', () => {
      socket.end(SWITCH);
      socket.on('data', (text: string) => {
        heard += text;
      });
    });
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(UPGRADE);
  assert.equal((await client.response()).status, 101);
  assert.equal(await client.rest(), '');
  client.socket.end('last words');
  await path.handles[0]?.closed;
  assert.equal(heard, 'last words');
});

test('a tunnel in which nothing moves ends where a limit is set', async () => {
  await using upstream = await startRaw((socket) => {
    socket.on('data', () => socket.write(SWITCH));
  });
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { tunnelIdle: 100 } });
  await using client = await connectRaw(path.port);
  client.send(UPGRADE);
  assert.equal((await client.response()).status, 101);
  assert.equal(await client.rest(), '');
});

test('T43: an upgrade to what would hide requests is not passed on', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  const requests = [
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk',
    'Connection: Upgrade\r\nUpgrade: H2C',
    'Connection: Upgrade\r\nUpgrade: HTTP/2.0',
    'Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1',
    'Connection: Upgrade\r\nUpgrade: websocket, h2c',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1',
  ];
  for (const fields of requests) {
    client.send(
      `GET / HTTP/1.1\r\nHost: a.test\r\n${fields}\r\n\r\n${fields.endsWith('1') && fields.includes('Length') ? 'x' : ''}`,
    );
    assert.equal((await client.response()).status, 200, fields);
    assert.equal(upstream.seen.at(-1)?.headers['upgrade'], undefined, fields);
  }
});

test('101 that nobody asked for, or to another protocol, is no answer', async () => {
  for (const answer of [SWITCH, SWITCH.replace('Upgrade: echo', 'Upgrade: other')]) {
    let ended: Promise<unknown> | undefined;
    await using upstream = await startRaw((socket: Socket) => {
      ended = once(socket, 'end');
      socket.on('data', () => socket.write(answer));
    });
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(answer === SWITCH ? 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n' : UPGRADE);
    assert.equal((await client.response()).status, 502);
    await ended;
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho, startRaw } from '../support/raw-upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const codeOf = (body: string) => (JSON.parse(body) as { code: string }).code;

test('T50: a connection that says nothing, or too little, is closed', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { header: 100 } });
  await using silent = await connectRaw(path.port);
  assert.equal(await silent.rest(), '');
  await using slow = await connectRaw(path.port);
  slow.send('GET / HTTP/1.1\r\nHost: a.test\r\nX: ');
  const drip = setInterval(() => slow.send('x'), 20);
  const response = await slow.response();
  clearInterval(drip);
  assert.deepEqual([response.status, codeOf(response.body)], [400, 'bad_request']);
  assert.equal(await slow.rest(), '');
  assert.match((await path.entry(0)).detail ?? '', /in time/);
});

test('an idle keep-alive connection is closed, without a word', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { keepAlive: 100 } });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).status, 200);
  assert.equal(await client.rest(), '');
});

test('a body that stops coming is refused, and its upstream request is given up', async () => {
  let closed!: () => void;
  const upstreamClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  await using upstream = await startRaw((socket) => {
    socket.on('data', () => undefined);
    socket.on('end', closed);
  });
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { bodyIdle: 100 } });
  await using client = await connectRaw(path.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhello');
  const response = await client.response();
  assert.deepEqual([response.status, response.headers['connection']], [400, 'close']);
  await upstreamClosed;
});

test('a client that stops taking its response is cut off', async () => {
  await using upstream = await startRaw((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
    });
  });
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { bodyIdle: 150 } });
  await using client = await connectRaw(path.port);
  client.socket.pause();
  client.send(GET);
  const entry = await path.entry(0);
  assert.deepEqual([entry.status, entry.complete], [200, false]);
});

test('an upstream that does not answer is 504, and the client may ask again', async () => {
  await using upstream = await startRaw((socket, ordinal) => {
    socket.on('data', () => {
      if (ordinal > 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { upstreamResponse: 100 } });
  await using client = await connectRaw(path.port);
  client.send(GET);
  const response = await client.response();
  assert.deepEqual([response.status, codeOf(response.body)], [504, 'upstream_timeout']);
  client.send(GET);
  assert.equal((await client.response()).body, 'ok');
});

test('an upstream whose response stops is cut off, visibly for the client', async () => {
  await using upstream = await startRaw((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'));
  });
  await using path = await startDataPath({ upstream: upstream.url, timeouts: { upstreamIdle: 100 } });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.match(await client.rest(), /\r\n\r\nhello$/);
  const entry = await path.entry(0);
  assert.deepEqual([entry.complete, entry.detail], [false, 'the response stopped']);
});

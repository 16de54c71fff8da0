import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startCanned, startEcho, startRaw } from '../support/raw-upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

test('connections to the upstream are used again, by other clients too', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  for (let index = 0; index < 5; index++) {
    await using client = await connectRaw(path.port);
    client.send(GET);
    assert.equal((await client.response()).status, 200);
  }
  assert.equal(path.counts.upstreamConnected, 1);
});

test('nothing leaks between clients: a connection with bytes behind its response is never used again', async () => {
  await using upstream = await startRaw((socket, ordinal) => {
    socket.on('data', () => {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfor ${ordinal}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret`,
      );
    });
  });
  await using path = await startDataPath({ upstream: upstream.url });
  for (let index = 0; index < 3; index++) {
    await using client = await connectRaw(path.port);
    client.send(GET);
    assert.equal((await client.response()).body, `for ${index}`);
  }
  assert.equal(path.counts.upstreamConnected, 3);
});

test('nothing leaks between clients: bytes on an idle connection end it', async () => {
  const sockets: Socket[] = [];
  await using upstream = await startRaw((socket, ordinal) => {
    sockets.push(socket);
    socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfor ${ordinal}`));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).body, 'for 0');
  const gone = once(sockets[0] as Socket, 'end');
  sockets[0]?.write(OK);
  await gone;
  client.send(GET);
  assert.equal((await client.response()).body, 'for 1');
});

test('a connection whose request was not read to its end is not used again', async () => {
  await using upstream = await startRaw((socket, ordinal) => {
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfor ${ordinal}`));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using first = await connectRaw(path.port);
  first.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhello');
  const early = await first.response();
  assert.deepEqual([early.body, early.headers['connection']], ['for 0', 'close']);
  await using second = await connectRaw(path.port);
  second.send(GET);
  assert.equal((await second.response()).body, 'for 1');
});

test('the upstream says close, or speaks HTTP/1.0: one request a connection', async () => {
  for (const answer of [OK.replace('\r\n', '\r\nConnection: close\r\n'), OK.replace('1.1', '1.0')]) {
    await using upstream = await startCanned(answer);
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(`${GET}${GET}`);
    assert.equal((await client.response()).body, 'ok');
    assert.equal((await client.response()).body, 'ok');
    assert.equal(path.counts.upstreamConnected, 2);
  }
});

/** Answers the first request of the first connection, and closes it when the second arrives. */
async function startForgetful(): Promise<AsyncDisposable & { url: string; heads: string[] }> {
  const heads: string[] = [];
  const upstream = await startRaw((socket, ordinal) => {
    let requests = 0;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      heads.push(text.slice(0, text.indexOf(' ')));
      if (++requests > 1 && ordinal === 0) socket.destroy();
      else socket.write(OK);
    });
  });
  return { ...upstream, heads };
}

test('a request is sent again where an idle connection closed under it and it does no harm', async () => {
  await using upstream = await startForgetful();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).body, 'ok');
  client.send(GET);
  assert.equal((await client.response()).body, 'ok');
  assert.deepEqual(upstream.heads, ['GET', 'GET', 'GET']);
  assert.equal(path.counts.upstreamRetried, 1);
});

test('a request that may do something twice is not sent again', async () => {
  for (const request of [
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n',
    'PATCH / HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx',
  ]) {
    await using upstream = await startForgetful();
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(GET);
    await client.response();
    client.send(request);
    const response = await client.response();
    assert.deepEqual(
      [response.status, (JSON.parse(response.body) as { code: string }).code],
      [502, 'upstream_invalid'],
    );
    assert.equal(upstream.heads.length, 2);
    assert.equal(path.counts.upstreamRetried, 0);
  }
});

test('a fresh connection that closes without an answer is not tried again', async () => {
  let connections = 0;
  await using upstream = await startRaw((socket) => {
    connections++;
    socket.on('data', () => socket.destroy());
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).status, 502);
  assert.equal(connections, 1);
});

test('an upstream is left a connection no longer than it announces to keep it', async () => {
  let ended: Promise<unknown> | undefined;
  await using upstream = await startRaw((socket) => {
    ended = once(socket, 'end');
    socket.on('data', () => socket.write(OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=1, max=9\r\n\r\n')));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal((await client.response()).body, 'ok');
  await ended;
});

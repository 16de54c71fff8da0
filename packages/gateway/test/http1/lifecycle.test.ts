import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho, startHttp, startRaw } from '../support/raw-upstream.ts';
import { accepted } from '../support/context.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

test('drain: a request in flight is answered, announced as the last one', async () => {
  let answer!: () => void;
  let arrived!: () => void;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  await using upstream = await startHttp((_request, response) => {
    answer = () => void response.end('done');
    arrived();
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  await arrival;
  assert.equal(path.handles[0]?.inFlight, 1);
  path.handles[0]?.drain();
  answer();
  const response = await client.response();
  assert.deepEqual([response.body, response.headers['connection']], ['done', 'close']);
  assert.equal(await client.rest(), '');
  client.socket.end();
  await path.handles[0]?.closed;
  assert.equal(path.handles[0]?.inFlight, 0);
});

test('drain: a request that was on its way to an idle connection is answered, as the last one', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using used = await connectRaw(path.port);
  used.send(GET);
  await used.response();
  await using fresh = await connectRaw(path.port);
  used.send('GET /on HTTP/1.1\r\nHost: a.test\r\n\r\n');
  fresh.send('GET /the HTTP/1.1\r\nHost: a.test\r\n\r\n');
  // Sent, and by no event known to have arrived: that is the race.
  for (const handle of path.handles) handle.drain();
  for (const client of [used, fresh]) {
    const response = await client.response();
    assert.deepEqual([response.status, response.headers['connection']], [200, 'close']);
    assert.equal(await client.rest(), '');
  }
});

test('drain: an idle connection ends', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  await client.response();
  path.handles[0]?.drain();
  assert.equal(await client.rest(), '');
});

test('kill: a download ends without further bytes, and its upstream request with it', async () => {
  let upstreamSocket: Socket | undefined;
  await using upstream = await startRaw((socket) => {
    upstreamSocket = socket;
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst'));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(GET);
  await client.bytes(60);
  const gone = once(upstreamSocket as Socket, 'end');
  path.handles[0]?.kill('revoked');
  upstreamSocket?.write('second');
  assert.doesNotMatch(await client.rest(), /second/);
  await gone;
  await path.handles[0]?.closed;
  const entry = await path.entry(0);
  assert.deepEqual([entry.code, entry.complete, entry.status], ['revoked', false, 200]);
});

test('T38: a connection that the register has ended admits no further request', async () => {
  await using upstream = await startEcho();
  const peer = accepted();
  assert.ok(peer.kind === 'accepted');
  await using path = await startDataPath({
    upstream: upstream.url,
    peer: { ...peer, handle: { ended: 'revoked' } },
  });
  await using client = await connectRaw(path.port);
  client.send(GET);
  assert.equal(await client.rest(), '');
  assert.deepEqual(upstream.seen, []);
});

test('a client that ends its side still gets its answers', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.socket.end(`${GET}${GET}`);
  assert.equal((await client.response()).status, 200);
  assert.equal((await client.response()).status, 200);
  assert.equal(await client.rest(), '');
  await path.handles[0]?.closed;
});

test('a client that ends in the middle of a request leaves nothing behind', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  for (const part of ['GET / HT', 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhello']) {
    await using client = await connectRaw(path.port);
    client.socket.end(part);
    assert.equal(await client.rest(), '');
  }
  await Promise.all(path.handles.map((handle) => handle.closed));
  assert.deepEqual(upstream.seen, []);
});

test('a client that goes away takes its upstream request with it', async () => {
  let arrived!: (socket: Socket) => void;
  const arrival = new Promise<Socket>((resolve) => {
    arrived = resolve;
  });
  await using upstream = await startRaw((socket) => {
    socket.once('data', () => arrived(socket));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  const client = await connectRaw(path.port);
  client.send(GET);
  const socket = await arrival;
  const gone = once(socket, 'end');
  client.socket.resetAndDestroy();
  await gone;
  assert.equal((await path.entry(0)).complete, false);
});

test('after the agreed number of requests a connection ends in an orderly way', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, limits: { requestsPerConnection: 2 } });
  await using client = await connectRaw(path.port);
  client.send(`${GET}${GET}${GET}`);
  assert.equal((await client.response()).headers['connection'], undefined);
  assert.equal((await client.response()).headers['connection'], 'close');
  assert.equal(await client.rest(), '');
});

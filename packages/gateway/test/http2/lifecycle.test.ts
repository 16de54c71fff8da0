import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { accepted } from '../support/context.ts';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2, readResponse } from '../support/http2-client.ts';
import {
  connectRawHttp2,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GET_BLOCK,
  GOAWAY,
  HEADERS,
  type RawHttp2,
  RST_STREAM,
} from '../support/raw-http2.ts';
import { startEcho, startHttp, startRaw } from '../support/raw-upstream.ts';

test('drain: GOAWAY, and what is in flight is answered', async () => {
  let answer!: () => void;
  let arrived!: () => void;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  await using upstream = await startHttp((_request, response) => {
    answer = () => void response.end('done');
    arrived();
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const goaway = once(client.session, 'goaway');
  const inFlight = client.fetch({ ':path': '/' });
  await arrival;
  assert.equal(path.handles[0]?.inFlight, 1);
  path.handles[0]?.drain();
  const [code] = (await goaway) as [number];
  assert.equal(code, 0);
  answer();
  assert.equal((await inFlight).body, 'done');
  await path.handles[0]?.closed;
});

test('drain: a request that was on its way to an idle connection is answered', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using used = await connectHttp2(path);
  await used.fetch({ ':path': '/' });
  await using fresh = await connectHttp2(path);
  while (path.handles.length < 2) await new Promise((resolve) => setImmediate(resolve));
  // Sent, and by no event known to have arrived: that is the race.
  const requests = [used, fresh].map((client) => client.fetch({ ':path': '/' }));
  for (const handle of path.handles) handle.drain();
  const statuses = (await Promise.all(requests)).map((response) => response.status);
  assert.deepEqual(statuses, [200, 200]);
  await Promise.all(path.handles.map((handle) => handle.closed));
});

test('drain: an idle connection ends', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  await client.fetch({ ':path': '/' });
  path.handles[0]?.drain();
  await once(client.session, 'close');
  await path.handles[0]?.closed;
});

test('kill: GOAWAY comes first, and no byte of a response behind it', async () => {
  let upstreamEnded: Promise<unknown> | undefined;
  await using upstream = await startRaw((socket) => {
    upstreamEnded = new Promise((resolve) => socket.on('close', resolve));
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
      const more = (): void => {
        while (!socket.destroyed && socket.writable && socket.write(chunk));
      };
      socket.on('drain', more);
      socket.on('end', () => socket.destroy());
      more();
    });
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectRawHttp2(path);
  client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK));
  while (!client.frames.some((got) => got.type === DATA)) await once(client.socket, 'data');
  const began = performance.now();
  path.handles[0]?.kill('revoked');
  await client.closed;
  assert.ok(performance.now() - began < 1000);
  const types = client.frames.map((got) => got.type);
  const at = types.indexOf(GOAWAY);
  assert.ok(at > 0, 'no GOAWAY');
  assert.deepEqual(
    types.slice(at + 1).filter((type) => type === DATA),
    [],
  );
  assert.ok(!client.frames.some((got) => got.type === DATA && got.payload.length === 0));
  await upstreamEnded;
  await path.handles[0]?.closed;
  const entry = await path.entry(0);
  assert.deepEqual([entry.code, entry.complete], ['revoked', false]);
});

test('kill ends an idle connection too', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  await client.fetch({ ':path': '/' });
  const goaway = once(client.session, 'goaway');
  const closed = once(client.session, 'close');
  path.handles[0]?.kill('revoked');
  await goaway;
  await closed;
  await path.handles[0]?.closed;
});

test('T38: a connection that the register has ended admits no further stream', async () => {
  await using upstream = await startEcho();
  const peer = accepted();
  assert.ok(peer.kind === 'accepted');
  await using path = await startDataPath({
    upstream: upstream.url,
    tls: true,
    peer: { ...peer, handle: { ended: 'revoked' } },
  });
  await using client = await connectHttp2(path);
  await assert.rejects(client.fetch({ ':path': '/' }));
  assert.deepEqual(upstream.seen, []);
});

test('T50: a connection that says nothing, half a preface, or nothing more, ends', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({
    upstream: upstream.url,
    tls: true,
    timeouts: { header: 100, keepAlive: 100 },
  });
  await using silent = await connectRawHttp2(path, false);
  await silent.closed;
  await using half = await connectRawHttp2(path, false);
  half.send(Buffer.from('PRI * HT'));
  await half.closed;
  await using idle = await connectHttp2(path);
  assert.equal((await idle.fetch({ ':path': '/' })).status, 200);
  await once(idle.session, 'close');
});

test('T48: a client that says GOAWAY, or resets its socket, leaves nothing behind', async () => {
  await using upstream = await startRaw((socket) => {
    socket.resume();
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectRawHttp2(path);
  client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK), frame(GOAWAY, 0, 0, Buffer.alloc(8)));
  client.socket.end();
  await path.handles[0]?.closed;
  await using abrupt = await connectRawHttp2(path);
  abrupt.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_BLOCK));
  while (path.handles[1]?.inFlight !== 1) await new Promise((resolve) => setImmediate(resolve));
  abrupt.plain.resetAndDestroy();
  await path.handles[1]?.closed;
  assert.deepEqual(
    path.handles.map((handle) => handle.inFlight),
    [0, 0],
  );
  assert.deepEqual(
    path.entries.map((entry) => entry.complete),
    [false, false],
  );
});

test('after the agreed number of requests a connection ends in an orderly way', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true, limits: { requestsPerConnection: 2 } });
  await using client = await connectHttp2(path);
  const goaway = once(client.session, 'goaway');
  const streams = [client.open({ ':path': '/1' }, ''), client.open({ ':path': '/2' }, '')];
  const responses = await Promise.all(streams.map(readResponse));
  assert.deepEqual(
    responses.map((response) => response.status),
    [200, 200],
  );
  await goaway;
});

test('T43: an upload that is broken off reaches no upstream as a complete request', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  const post = Buffer.concat([Buffer.from([0x83, 0x87, 0x84, 0x01, 0x06]), Buffer.from('a.test', 'latin1')]);
  const ends: readonly ((client: RawHttp2) => void)[] = [
    (client) => client.send(frame(RST_STREAM, 0, 1, Buffer.alloc(4))),
    (client) => client.send(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8]))),
    (client) => client.send(frame(GOAWAY, 0, 0, Buffer.alloc(8)), frame(RST_STREAM, 0, 1, Buffer.alloc(4))),
    (client) => client.socket.end(),
    (client) => client.socket.destroy(),
    (client) => client.plain.resetAndDestroy(),
    () => path.handles.at(-1)?.kill('revoked'),
  ];
  for (const [index, end] of ends.entries()) {
    await using client = await connectRawHttp2(path);
    client.send(frame(HEADERS, END_HEADERS, 1, post), frame(DATA, 0, 1, Buffer.from('half')));
    while ((path.handles[index]?.inFlight ?? 0) === 0) await new Promise((resolve) => setImmediate(resolve));
    end(client);
    assert.equal((await path.entry(index)).complete, false);
  }
  // A whole request behind them, so that what they left behind would have arrived.
  await using client = await connectHttp2(path);
  assert.equal((await client.fetch({ ':path': '/whole' })).status, 200);
  assert.deepEqual(
    upstream.seen.map((seen) => seen.url),
    ['/whole'],
  );
});

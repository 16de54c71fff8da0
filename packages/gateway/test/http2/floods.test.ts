import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataPath, startDataPath } from '../support/data-path.ts';
import { connectHttp2 } from '../support/http2-client.ts';
import {
  connectRawHttp2,
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  field,
  frame,
  GET_BLOCK,
  HEADERS,
  PING,
  type RawHttp2,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from '../support/raw-http2.ts';
import { startEcho } from '../support/raw-upstream.ts';

/** Sends until the gateway has had enough, which it must before `rounds` are over. */
async function flood(path: DataPath, rounds: number, send: (client: RawHttp2, round: number) => void): Promise<void> {
  await using client = await connectRawHttp2(path);
  let round = 0;
  for (; round < rounds && !client.socket.destroyed; round++) {
    send(client, round);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(client.socket.destroyed, `${rounds} rounds were borne`);
}

async function othersAreServed(path: DataPath): Promise<void> {
  await using client = await connectHttp2(path);
  assert.equal((await client.fetch({ ':path': '/' })).status, 200);
}

test('T47, T48: floods end their connection, and no other', async (t) => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  const odd = (round: number, index: number): number => (round * 100 + index) * 2 + 1;
  const many = (make: (index: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: 100 }, (_, index) => make(index)));

  await t.test('rapid reset (CVE-2023-44487)', () =>
    flood(path, 200, (client, round) => {
      client.send(
        many((index) =>
          Buffer.concat([
            frame(HEADERS, END_STREAM | END_HEADERS, odd(round, index), GET_BLOCK),
            frame(RST_STREAM, 0, odd(round, index), Buffer.from([0, 0, 0, 8])),
          ]),
        ),
      );
    }),
  );
  await t.test('continuation without end', () =>
    flood(path, 200, (client, round) => {
      if (round === 0) client.send(frame(HEADERS, END_STREAM, 1, GET_BLOCK));
      client.send(many(() => frame(CONTINUATION, 0, 1, field('x', 'y'.repeat(100)))));
    }),
  );
  await t.test('streams that depend on malformed frames', () =>
    flood(path, 200, (client, round) => {
      client.send(many((index) => frame(HEADERS, END_STREAM | END_HEADERS, odd(round, index), field('UPPER', 'x'))));
    }),
  );
  await t.test('window updates of nothing', () =>
    flood(path, 200, (client) => {
      client.send(many(() => frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(4))));
    }),
  );
  await t.test('pings and settings whose answers nobody reads', async () => {
    await using client = await connectRawHttp2(path);
    client.socket.pause();
    for (let round = 0; round < 2000 && !client.socket.destroyed; round++) {
      client.send(
        many(() => frame(round % 2 === 0 ? PING : SETTINGS, 0, 0, round % 2 === 0 ? Buffer.alloc(8) : Buffer.alloc(0))),
      );
      await new Promise((resolve) => setImmediate(resolve));
      if (path.handles.length > 0 && client.socket.writableLength > 4_000_000) break;
    }
    // Either the connection was ended, or it is held back: what is sent piles up here, and not there.
    assert.ok(client.socket.destroyed || client.socket.writableLength > 4_000_000);
  });
  await othersAreServed(path);
});

test('T47: nonsense ends its connection, and no other', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true, timeouts: { header: 500 } });
  const nonsense: readonly (readonly Buffer[])[] = [
    [Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')],
    [frame(HEADERS, END_STREAM | END_HEADERS, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
    [frame(HEADERS, END_STREAM | END_HEADERS, 2, GET_BLOCK)],
    [frame(HEADERS, END_STREAM | END_HEADERS, 0, GET_BLOCK)],
    [frame(0x0, 0, 1, Buffer.from('data'))],
    [frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff]))],
    [frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
    [Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])],
  ];
  for (const frames of nonsense) {
    await using client = await connectRawHttp2(path);
    client.send(...frames);
    await client.closed;
  }
  await othersAreServed(path);
  assert.equal(upstream.seen.length, 1);
});

test('T40, RFC 9113 section 8.2: fields that HTTP/2 forbids do not pass', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  const forbidden = [
    field('connection', 'client-cert'),
    field('transfer-encoding', 'chunked'),
    field('upgrade', 'h2c'),
    field('te', 'gzip'),
    field('x', 'a\r\nclient-cert: b'),
    field('x', 'a\0b'),
    field('x y', 'z'),
    field('Client-Cert', 'b'),
    field(':path', '/other'),
    field('content-length', '5'),
  ];
  for (const block of forbidden) {
    await using client = await connectRawHttp2(path);
    client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, Buffer.concat([GET_BLOCK, block])));
    // A second stream on the same connection, so that its answer shows that the first has been judged.
    client.send(frame(PING, 0, 0, Buffer.alloc(8)));
    while (!client.socket.destroyed && !client.frames.some((got) => got.type === PING)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await othersAreServed(path);
  // Some are refused with their request, of some only the field is dropped by nghttp2.
  const last = upstream.seen.at(-1);
  for (const seen of upstream.seen) {
    assert.deepEqual(Object.keys(seen.headers).toSorted(), Object.keys(last?.headers ?? {}).toSorted());
    assert.equal(seen.url, '/');
  }
});

test('more fields, or longer ones, than the limits are refused', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({
    upstream: upstream.url,
    tls: true,
    limits: { fieldCount: 20, fieldSection: 4096 },
  });
  await using client = await connectHttp2(path);
  const manyFields = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-${index}`, 'y']));
  for (const headers of [manyFields, { x: 'y'.repeat(8192) }]) {
    const outcome = await client.fetch({ ':path': '/', ...headers }).then(
      (response) => response.status,
      () => 'reset',
    );
    assert.ok(outcome === 'reset' || outcome === 400 || outcome === 431, String(outcome));
  }
  await othersAreServed(path);
  assert.equal(upstream.seen.length, 1);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants, createServer, type ServerHttp2Stream, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2, readResponse } from '../support/http2-client.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startCanned, startRaw } from '../support/raw-upstream.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

interface Http2TestUpstream extends AsyncDisposable {
  readonly url: string;
  readonly sessions: ServerHttp2Session[];
}

async function startHttp2(handler: (stream: ServerHttp2Stream, headers: Headers) => void): Promise<Http2TestUpstream> {
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    handler(stream as ServerHttp2Stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `h2c://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with what it saw, the body echoed in pieces, and a trailer, as gRPC does. */
function echo(stream: ServerHttp2Stream, headers: Headers): void {
  let trailer = '';
  stream.on('trailers', (fields) => {
    trailer = String(fields['x-asked']);
  });
  stream.respond(
    { ':status': 200, 'x-path': headers[':path'], 'x-authority': headers[':authority'], 'x-te': headers['te'] ?? '' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-asked': trailer }));
  stream.pipe(stream);
}

test('gRPC shape: bidirectional streams, trailers both ways, over one connection to the upstream', async () => {
  await using upstream = await startHttp2(echo);
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.session.request(
    {
      ':path': '/svc/Method',
      ':method': 'POST',
      ':authority': 'a.test',
      te: 'trailers',
      'content-type': 'application/grpc',
    },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-asked': 'yes' }));
  let trailers: Headers = {};
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  const [headers] = (await once(stream, 'response')) as [Headers];
  assert.deepEqual([headers['x-path'], headers['x-authority'], headers['x-te']], ['/svc/Method', 'a.test', 'trailers']);
  for (const message of ['one', 'two', 'three']) {
    stream.write(message);
    // Each message is answered before the next one is sent.
    const [echoed] = (await once(stream, 'data')) as [Buffer];
    assert.equal(echoed.toString(), message);
  }
  stream.end();
  await once(stream, 'close');
  assert.deepEqual([trailers['grpc-status'], trailers['x-asked']], ['0', 'yes']);
  await client.fetch({ ':path': '/again' });
  assert.equal(upstream.sessions.length, 1);
  assert.deepEqual([path.entries[0]?.complete, path.entries[0]?.bytesIn, path.entries[0]?.bytesOut], [true, 11, 11]);
});

test('a response of trailers only, or without a body, is whole for clients of both versions', async () => {
  await using upstream = await startHttp2((stream, headers) => {
    const status = headers[':path'] === '/empty' ? 204 : 200;
    stream.respond({ ':status': status, 'grpc-status': '12' }, { endStream: true });
  });
  await using two = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(two);
  const only = await client.fetch({ ':path': '/', ':method': 'POST' }, 'x');
  assert.deepEqual([only.status, only.headers['grpc-status'], only.body], [200, '12', '']);
  await using one = await startDataPath({ upstream: upstream.url });
  await using raw = await connectRaw(one.port);
  raw.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /empty HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await raw.response()).headers['content-length'], '0');
  assert.equal((await raw.response()).status, 204);
});

test('HTTP/1.1 clients reach an HTTP/2 upstream, with 100 and trailers', async () => {
  await using upstream = await startHttp2(echo);
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(
    'POST /x HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  assert.equal((await client.response()).status, 100);
  client.send('5\r\nhello\r\n0\r\nX-Asked: yes\r\n\r\nGET /y HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const response = await client.response();
  assert.deepEqual([response.body, response.headers['x-path'], response.trailers['grpc-status']], ['hello', '/x', '0']);
  assert.equal(response.trailers['x-asked'], 'yes');
  assert.equal((await client.response()).headers['x-path'], '/y');
});

test('a client that does not read holds the upstream stream back, not memory', async () => {
  let sent = 0;
  await using upstream = await startHttp2((stream) => {
    stream.respond({ ':status': 200 });
    const block = Buffer.alloc(65_536);
    const more = (): void => {
      let free = true;
      while (free && !stream.destroyed && sent < 256 * 1024 * 1024) {
        free = stream.write(block);
        sent += block.length;
      }
    };
    stream.on('drain', more);
    more();
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.open({ ':path': '/' }, '');
  stream.pause();
  await once(stream, 'response');
  for (let last = -1; last !== sent;) {
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes taken for a stream that nobody reads`);
});

test('failures are told with their codes', async () => {
  const gone = await startRaw(() => undefined);
  await gone[Symbol.asyncDispose]();
  await using nonsense = await startCanned('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await using silent = await startRaw((socket) => {
    socket.resume();
  });
  await using resetting = await startHttp2((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  // Only who is to wait in vain is given up soon: a busy machine takes its time over the others.
  const cases: readonly (readonly [url: string, status: number, code: string, upstreamResponse?: number])[] = [
    [gone.url.replace('http:', 'h2c:'), 502, 'upstream_unreachable'],
    [nonsense.url.replace('http:', 'h2c:'), 502, 'upstream_invalid'],
    [silent.url.replace('http:', 'h2c:'), 504, 'upstream_timeout', 200],
    [resetting.url, 502, 'upstream_invalid'],
  ];
  for (const [url, status, code, upstreamResponse = 30_000] of cases) {
    await using path = await startDataPath({ upstream: url, timeouts: { upstreamResponse } });
    await using client = await connectRaw(path.port);
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const response = await client.response();
    assert.deepEqual([response.status, (JSON.parse(response.body) as { code: string }).code], [status, code], url);
  }
});

test('a response that breaks off is broken for the client too', async () => {
  await using upstream = await startHttp2((stream) => {
    stream.respond({ ':status': 200 });
    stream.write('hello', () => stream.destroy(new Error('broken')));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.ok(!(await client.rest()).endsWith('0\r\n\r\n'));
  assert.equal((await path.entry(0)).complete, false);
});

test('a stream that the upstream refuses unseen is opened again, once', async () => {
  let streams = 0;
  await using upstream = await startHttp2((stream, headers) => {
    if (++streams % 2 === 1 || headers[':path'] === '/never') stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else stream.respond({ ':status': 200 }, { endStream: true });
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await client.response()).status, 200);
  assert.equal(path.counts.upstreamRetried, 1);
  client.send('GET /never HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await client.response()).status, 502);
  assert.equal(streams, 4);
});

test('a client that goes away cancels its upstream stream; an upstream that says GOAWAY is left', async () => {
  const closed: Promise<unknown>[] = [];
  let arrived!: () => void;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  await using upstream = await startHttp2((stream, headers) => {
    if (headers[':path'] !== '/wait') {
      stream.respond({ ':status': 200 }, { endStream: true });
      return;
    }
    closed.push(once(stream, 'aborted'));
    stream.resume();
    arrived();
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.open({ ':path': '/wait', ':method': 'POST' });
  stream.on('error', () => undefined);
  stream.write('half');
  await arrival;
  stream.destroy(new Error('gone'));
  await Promise.all(closed);
  const ended = once(upstream.sessions[0] as ServerHttp2Session, 'close');
  upstream.sessions[0]?.close();
  await ended;
  assert.equal((await readResponse(client.open({ ':path': '/' }, ''))).status, 200);
  assert.equal(upstream.sessions.length, 2);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2, readResponse } from '../support/http2-client.ts';
import { startCanned, startEcho, startHttp, startRaw } from '../support/raw-upstream.ts';

const codeOf = (body: string) => (JSON.parse(body) as { code: string }).code;

test('large bodies stream both ways, with trailers', async () => {
  await using upstream = await startHttp((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.pipe(response, { end: false });
    request.on('end', () => {
      response.addTrailers({ 'X-Sha256': hash.digest('hex'), 'X-Asked': String(request.trailers['x-asked']) });
      response.end();
    });
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.session.request(
    { ':path': '/', ':method': 'POST', ':authority': 'a.test' },
    {
      waitForTrailers: true,
    },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-asked': 'yes' }));
  const response = readResponse(stream);
  const block = Buffer.alloc(50_000, 'countersign ');
  const sent = createHash('sha256');
  for (let index = 0; index < 100; index++) {
    sent.update(block);
    if (!stream.write(block)) await once(stream, 'drain');
  }
  stream.end();
  const { body, trailers } = await response;
  const digest = sent.digest('hex');
  assert.equal(createHash('sha256').update(body, 'latin1').digest('hex'), digest);
  assert.deepEqual([trailers['x-sha256'], trailers['x-asked']], [digest, 'yes']);
});

test('a client that does not read one stream holds that upstream back, and no other stream', async () => {
  let sent = 0;
  await using upstream = await startHttp((request, response) => {
    if (request.url === '/small') {
      response.end('small');
      return;
    }
    const block = Buffer.alloc(65_536);
    const more = (): void => {
      let free = true;
      while (free && !response.destroyed && sent < 256 * 1024 * 1024) {
        free = response.write(block);
        sent += block.length;
      }
    };
    response.on('drain', more);
    more();
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const big = client.open({ ':path': '/big' }, '');
  big.pause();
  await once(big, 'response');
  for (let round = 0; round < 50; round++) {
    assert.equal((await client.fetch({ ':path': '/small' })).body, 'small');
  }
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes taken for a stream that nobody reads`);
});

test('an upstream that does not read holds its stream back, not memory', async () => {
  await using upstream = await startRaw((socket) => {
    socket.pause();
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.open({ ':path': '/', ':method': 'POST' });
  const block = Buffer.alloc(65_536);
  let written = 0;
  for (let turns = 0; turns < 20;) {
    if (stream.writableNeedDrain) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      turns++;
    } else {
      turns = 0;
      stream.write(block);
      written += block.length;
      assert.ok(written < 64 * 1024 * 1024, 'nothing held the client back');
    }
  }
  stream.close(constants.NGHTTP2_CANCEL);
});

test('responses without a body, repeated fields, and fields of one hop', async () => {
  await using upstream = await startCanned(
    'HTTP/1.1 204 No Content\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\nX-Obs: \u00e9\r\n\r\n',
  );
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const response = await client.fetch({ ':path': '/' });
  assert.equal(response.status, 204);
  assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2']);
  for (const name of ['keep-alive', 'connection', 'transfer-encoding']) assert.equal(response.headers[name], undefined);
});

test('100 and early hints pass', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.open({ ':path': '/', ':method': 'POST', expect: '100-continue' });
  await once(stream, 'continue');
  stream.end('now');
  const response = await readResponse(stream);
  assert.equal((JSON.parse(response.body) as { body: string }).body, 'now');
  await using hinting = await startCanned(
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  );
  await using second = await startDataPath({ upstream: hinting.url, tls: true });
  await using other = await connectHttp2(second);
  const hinted = other.open({ ':path': '/' }, '');
  const [headers] = (await once(hinted, 'headers')) as [Record<string, unknown>];
  assert.deepEqual([headers[':status'], headers['link']], [103, '</a.css>']);
  assert.equal((await readResponse(hinted)).status, 200);
});

test('failures of the upstream are told, and the connection lives on', async () => {
  const gone = await startRaw(() => undefined);
  await gone[Symbol.asyncDispose]();
  await using path = await startDataPath({ upstream: gone.url, tls: true });
  await using client = await connectHttp2(path);
  for (let round = 0; round < 2; round++) {
    const response = await client.fetch({ ':path': '/' });
    assert.deepEqual([response.status, codeOf(response.body)], [502, 'upstream_unreachable']);
  }
  await using silent = await startRaw((socket) => {
    socket.resume();
  });
  await using slow = await startDataPath({ upstream: silent.url, tls: true, timeouts: { upstreamResponse: 100 } });
  await using other = await connectHttp2(slow);
  const late = await other.fetch({ ':path': '/' });
  assert.deepEqual([late.status, codeOf(late.body)], [504, 'upstream_timeout']);
});

test('a response that breaks off resets its stream, and only that', async () => {
  await using upstream = await startRaw((socket) => {
    socket.once('data', (bytes: Buffer) => {
      if (bytes.includes('/whole')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else if (bytes.includes('/chunks'))
        socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    });
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  for (const target of ['/broken', '/chunks']) {
    await assert.rejects(client.fetch({ ':path': target }), { code: 'ERR_HTTP2_STREAM_ERROR' });
  }
  assert.equal((await client.fetch({ ':path': '/whole' })).body, 'ok');
  assert.equal((await path.entry(0)).complete, false);
});

test('a stream that the client cancels takes its upstream request with it', async () => {
  let arrived!: () => void;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let ended: Promise<unknown> | undefined;
  await using upstream = await startRaw((socket) => {
    ended = once(socket, 'end');
    socket.once('data', arrived);
  });
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const stream = client.open({ ':path': '/' }, '');
  stream.on('error', () => undefined);
  await arrival;
  stream.close(constants.NGHTTP2_CANCEL);
  await ended;
  assert.equal((await path.entry(0)).complete, false);
});

test('a body that stops coming, or is too long, is refused on its stream', async () => {
  await using upstream = await startRaw((socket) => {
    socket.resume();
  });
  await using path = await startDataPath({
    upstream: upstream.url,
    tls: true,
    timeouts: { bodyIdle: 100 },
    limits: { body: 10 },
  });
  await using client = await connectHttp2(path);
  const slow = client.open({ ':path': '/', ':method': 'POST' });
  slow.write('hello');
  const late = await readResponse(slow);
  assert.deepEqual([late.status, codeOf(late.body)], [400, 'bad_request']);
  const long = client.open({ ':path': '/', ':method': 'POST' });
  long.write('hello hello hello');
  assert.equal((await readResponse(long)).status, 400);
});

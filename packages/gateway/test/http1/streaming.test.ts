import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startCanned, startEcho, startHttp, startRaw } from '../support/raw-upstream.ts';

test('large bodies stream both ways unchanged', async () => {
  await using upstream = await startHttp((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    response.setHeader('Trailer', 'X-Sha256');
    request.pipe(response, { end: false });
    request.on('end', () => {
      response.addTrailers({ 'X-Sha256': hash.digest('hex') });
      response.end();
    });
  });
  await using path = await startDataPath({ upstream: upstream.url });
  const block = Buffer.alloc(70_000, 'countersign ');
  const sent = createHash('sha256');
  const received = createHash('sha256');
  const request = httpRequest({ port: path.port, host: '127.0.0.1', method: 'POST', headers: { host: 'a.test' } });
  const responded = once(request, 'response');
  const uploading = (async () => {
    for (let index = 0; index < 200; index++) {
      sent.update(block);
      if (!request.write(block)) await once(request, 'drain');
    }
    request.end();
  })();
  const [response] = (await responded) as [import('node:http').IncomingMessage];
  for await (const chunk of response) received.update(chunk as Buffer);
  await uploading;
  const digest = sent.digest('hex');
  assert.equal(received.digest('hex'), digest);
  assert.equal(response.trailers['x-sha256'], digest);
});

test('an upstream that does not read holds the client back, not memory', async () => {
  let held = 0;
  await using upstream = await startRaw((socket) => {
    socket.pause();
    held++;
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  let written = 0;
  // As soon as the sender's own buffer stays full over some turns, everything between has stopped.
  for (let turns = 0; turns < 20;) {
    if (client.socket.writableNeedDrain) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      turns++;
    } else {
      turns = 0;
      client.send(chunk);
      written += chunk.length;
      assert.ok(written < 64 * 1024 * 1024, 'nothing held the client back');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  assert.equal(held, 1);
});

test('a client that does not read holds the upstream back, not memory', async () => {
  let sent = 0;
  let stopped!: () => void;
  const stop = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  await using upstream = await startHttp((_request, response) => {
    const block = Buffer.alloc(65_536);
    const more = (): void => {
      let free = true;
      while (free && sent < 256 * 1024 * 1024) {
        free = response.write(block);
        sent += block.length;
      }
    };
    let timer = setTimeout(stopped, 300);
    response.on('drain', () => {
      clearTimeout(timer);
      timer = setTimeout(stopped, 300);
      more();
    });
    more();
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await stop;
  assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes taken for a client that reads nothing`);
  const taken = sent;
  client.socket.resume();
  assert.equal((await client.bytes(taken)).length, taken);
});

test('RFC 9110 section 10.1.1: 100 (Continue) comes from the upstream, and before the body', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  assert.equal((await client.response()).status, 100);
  client.send('hello');
  assert.equal((await client.response()).status, 200);
  assert.equal(upstream.seen[0]?.body, 'hello');
});

test('a final answer instead of 100 ends the connection, the body unsent', async () => {
  await using upstream = await startCanned('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
  const response = await client.response();
  assert.deepEqual([response.status, response.body, response.headers['connection']], [413, 'no', 'close']);
  assert.equal(await client.rest(), '');
});

test('early hints pass; other informational responses do not end a request', async () => {
  await using upstream = await startCanned(
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const hint = await client.response();
  assert.deepEqual([hint.status, hint.headers['link']], [103, '</a.css>']);
  assert.equal((await client.response()).body, 'ok');
});

test('trailers pass both ways, without what is not theirs to say', async () => {
  const trailers = 'X-Sum: 1\r\nClient-Cert: :AA==:\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\n';
  let seen = '';
  await using upstream = await startRaw((socket) => {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      seen += text;
      if (!seen.endsWith('\r\n\r\n') || !seen.includes('0\r\nX')) return;
      socket.write(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`,
      );
    });
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailers}\r\n`,
  );
  const response = await client.response();
  assert.deepEqual({ ...response.trailers }, { 'x-sum': '1' });
  assert.equal(response.headers['trailer'], 'X-Sum');
  assert.match(seen, /\r\nConnection: TE\r\nTE: trailers\r\n/);
  assert.ok(seen.endsWith('\r\n0\r\nX-Sum: 1\r\n\r\n'), seen);
});

test('RFC 9112 section 6.3: responses without a body, and with one that only the end ends', async () => {
  const cases: readonly (readonly [string, string, string, number, string])[] = [
    ['HEAD', '1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200, ''],
    ['HEAD', '1.1', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200, ''],
    ['GET', '1.1', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
    ['GET', '1.1', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n', 304, ''],
    ['GET', '1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200, ''],
    ['GET', '1.1', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
    ['GET', '1.0', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 200, 'ok'],
    ['GET', '1.0', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
  ];
  for (const [method, version, canned, status, body] of cases) {
    await using upstream = await startCanned(canned);
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(`${method} / HTTP/${version}\r\nHost: a.test\r\n\r\n`);
    const response = await client.response(method === 'HEAD');
    assert.deepEqual([response.status, response.body], [status, body], canned);
    assert.ok(response.headers['date'] !== undefined);
    if (version === '1.0') {
      assert.equal(response.headers['connection'], 'close');
      assert.equal(await client.rest(), '');
    } else {
      client.send(`${method} / HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      assert.equal((await client.response(method === 'HEAD')).status, status, `${canned} again`);
    }
  }
});

test('a body that the end of the upstream connection ends is whole; the client keeps its connection', async () => {
  await using upstream = await startRaw((socket) => {
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nX: y\r\n\r\nall of it'));
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  for (let round = 0; round < 2; round++) {
    client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const response = await client.response();
    assert.deepEqual([response.body, response.headers['transfer-encoding']], ['all of it', 'chunked']);
  }
});

test('hop-by-hop fields stay on their hop, both ways', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(
    'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: timeout=9\r\nX-Private: 1\r\n' +
      'Proxy-Connection: close\r\nProxy-Authorization: Basic eA==\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Kept: 1\r\n\r\n',
  );
  assert.equal((await client.response()).status, 200);
  const headers = upstream.seen[0]?.headers ?? {};
  assert.equal(headers['x-kept'], '1');
  for (const name of [
    'connection',
    'keep-alive',
    'x-private',
    'proxy-connection',
    'proxy-authorization',
    'te',
    'upgrade',
    'http2-settings',
  ]) {
    assert.equal(headers[name], undefined, name);
  }
  await using canned = await startCanned(
    'HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n',
  );
  await using second = await startDataPath({ upstream: canned.url });
  await using other = await connectRaw(second.port);
  other.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const response = await other.response();
  assert.deepEqual(Object.keys(response.headers), ['x-kept', 'date', 'content-length']);
});

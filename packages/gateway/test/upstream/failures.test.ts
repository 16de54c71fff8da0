import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startCanned, startRaw } from '../support/raw-upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
const codeOf = (body: string) => (JSON.parse(body) as { code: string }).code;

test('an upstream that is down is 502 upstream_unreachable, and the connection lives on', async () => {
  const gone = await startRaw(() => undefined);
  await gone[Symbol.asyncDispose]();
  for (const url of [gone.url, 'http://no-such-host.invalid']) {
    await using path = await startDataPath({ upstream: url });
    await using client = await connectRaw(path.port);
    for (let round = 0; round < 2; round++) {
      client.send(GET);
      const response = await client.response();
      assert.deepEqual([response.status, codeOf(response.body)], [502, 'upstream_unreachable']);
    }
    client.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\nx');
    assert.equal((await client.response()).headers['connection'], 'close');
    const entry = path.entries[0];
    assert.match(entry?.detail ?? '', /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/);
  }
});

test('RFC 9112: nonsense from the upstream is 502 upstream_invalid', async () => {
  const nonsense = [
    'hello\r\n\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/2.0 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 600 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    'HTTP/1.1 200 OK\r\nX : y\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(300_000)}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${'X: a\r\n'.repeat(600)}\r\n`,
    'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100),
  ];
  for (const answer of nonsense) {
    await using upstream = await startCanned(answer);
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(GET);
    let response = await client.response();
    while (response.status < 200) response = await client.response();
    assert.deepEqual(
      [response.status, codeOf(response.body)],
      [502, 'upstream_invalid'],
      JSON.stringify(answer.slice(0, 80)),
    );
    assert.equal(response.headers['connection'], undefined);
  }
});

test('an upstream that ends before its head is complete is 502 upstream_invalid', async () => {
  for (const part of ['', 'HTTP/1.1 200', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n']) {
    await using upstream = await startRaw((socket) => {
      socket.once('data', () => socket.end(part));
    });
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(GET);
    const response = await client.response();
    assert.deepEqual([response.status, codeOf(response.body)], [502, 'upstream_invalid']);
  }
});

test('a response that breaks off, or is malformed behind its head, breaks the connection of the client', async () => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n',
  ];
  for (const answer of answers) {
    await using upstream = await startRaw((socket) => {
      socket.once('data', () => socket.end(answer));
    });
    await using path = await startDataPath({ upstream: upstream.url });
    await using client = await connectRaw(path.port);
    client.send(GET);
    const all = await client.rest();
    assert.ok(!all.endsWith('0\r\n\r\n') && !all.includes('HTTP/1.1 502'), JSON.stringify(all));
    assert.equal((await path.entry(0)).complete, false, answer);
  }
});

test('an answer in small pieces is the same answer', async () => {
  const answer =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: u\r\n\r\n';
  await using upstream = await startRaw((socket) => {
    socket.setNoDelay(true);
    socket.on('data', () => {
      let at = 0;
      const next = (): void => {
        socket.write(answer.slice(at, ++at));
        if (at < answer.length) setImmediate(next);
      };
      next();
    });
  });
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  for (let round = 0; round < 2; round++) {
    client.send(GET);
    const response = await client.response();
    assert.deepEqual([response.body, response.headers['x'], response.trailers['t']], ['hello world', 'y', 'u']);
  }
  assert.equal(path.counts.upstreamConnected, 1);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2 } from '../support/http2-client.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startCanned } from '../support/raw-upstream.ts';

/** Fields that node:http2 takes once only, or has an opinion on. */
const TWICE = [
  'ETag',
  'Age',
  'Content-Type',
  'Location',
  'Server',
  'X-A',
  'Set-Cookie',
  'Date',
  'Retry-After',
  '__proto__',
  'constructor',
  'X!$%^',
];
const lines = TWICE.flatMap((name) => [`${name}: 1`, `${name}: 2`]).join('\r\n');

test('whatever an HTTP/1.1 upstream repeats in head, hints and trailers, an HTTP/2 client gets an answer', async () => {
  await using upstream = await startCanned(
    `HTTP/1.1 103 Early Hints\r\n${lines}\r\n\r\nHTTP/1.1 200 OK\r\n${lines}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${lines}\r\n\r\n`,
  );
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  for (let round = 0; round < 2; round++) {
    const response = await client.fetch({ ':path': '/' });
    assert.deepEqual([response.status, response.body], [200, 'ok']);
    assert.deepEqual(response.headers['set-cookie'], ['1', '2']);
  }
});

test('whatever an HTTP/1.1 client repeats, an HTTP/2 upstream gets a request', async () => {
  const seen: string[][] = [];
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.on('stream', (stream, _headers, _flags, raw) => {
    seen.push(raw);
    stream.resume();
    stream.on('end', () => {
      (stream as ServerHttp2Stream).respond({ ':status': 200 });
      stream.end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using path = await startDataPath({ upstream: `h2c://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await using client = await connectRaw(path.port);
  client.send(
    `POST / HTTP/1.1\r\nHost: a.test\r\n${lines}\r\nAuthorization: a\r\nAuthorization: b\r\nRange: x\r\nRange: y\r\n` +
      `Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${lines}\r\n\r\n`,
  );
  const response = await client.response();
  assert.deepEqual([response.status, response.body], [200, 'ok']);
  assert.deepEqual(
    (seen[0] ?? []).filter((_, index, raw) => raw[index - 1] === 'authorization'),
    ['a', 'b'],
  );
  for (const session of sessions) session.destroy();
  server.close();
});

test('a field that no version of HTTP has is no answer', async () => {
  await using upstream = await startCanned('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-\u007f: 1\r\n\r\nok');
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  assert.equal((await client.fetch({ ':path': '/' })).status, 502);
});

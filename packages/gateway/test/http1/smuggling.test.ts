import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startHttp } from '../support/raw-upstream.ts';

/**
 * T43: whatever a client sends, the gateway and an upstream with another parser (Node's llhttp) agree about how many requests
 * there are, and about what each one is: each line of the access log that went upstream stands for one request seen there.
 */
test('T43: the upstream sees exactly the requests that the gateway let pass', async () => {
  const seen = new Map<string, { method: string; path: string; bytes: number }>();
  const strangers: string[] = [];
  await using upstream = await startHttp((request, response) => {
    const id = request.headers['countersign-correlation-id'];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => {
      const path = (request.url ?? '').replace(/\?.*/, '');
      if (typeof id !== 'string' || seen.has(id)) strangers.push(`${String(id)} ${path}`);
      else seen.set(id, { method: request.method ?? '', path, bytes });
      response.end('ok');
    });
  });
  await using path = await startDataPath({ upstream: upstream.url });

  const eol = fc.oneof(
    { weight: 30, arbitrary: fc.constant('\r\n') },
    { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\n ', '\n\n') },
  );
  const name = fc.constantFrom(
    'Content-Length',
    'content-length',
    'Transfer-Encoding',
    'TRANSFER-ENCODING',
    'Content-Length ',
    'Transfer_Encoding',
    'X',
    'Connection',
    'Expect',
    'Trailer',
    '\tTransfer-Encoding',
  );
  const value = fc.constantFrom(
    '0',
    '3',
    '5',
    '+3',
    '0x3',
    '3, 3',
    'chunked',
    'Chunked',
    ' chunked ',
    'chunked, chunked',
    'gzip, chunked',
    'xchunked',
    '\u000bchunked',
    'close',
    'keep-alive, Content-Length',
    'Transfer-Encoding',
    '',
  );
  const field = fc.tuple(name, fc.constantFrom(': ', ':', ' : ', ':\t'), value, eol).map((parts) => parts.join(''));
  const body = fc.constantFrom(
    '',
    'abc',
    '0\r\n\r\n',
    '3\r\nabc\r\n0\r\n\r\n',
    '3;x\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n',
    '3\nabc\n0\n\n',
    '03\r\nabc\r\n00\r\n\r\n',
    '3\r\nabcd\r\n0\r\n\r\n',
    '-1\r\n\r\n',
  );
  const target = fc.constantFrom('/', '/a', '/a?b', '//a', 'https://a.test/b');
  const mutated = fc
    .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'HEAD'), target, eol, fc.array(field, { maxLength: 3 }), body)
    .map(
      ([method, path, end, fields, content]) =>
        `${method} ${path} HTTP/1.1${end}Host: a.test\r\n${fields.join('')}\r\n${content}`,
    );
  const wellFormed = fc.constantFrom(
    'GET /w HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'POST /w HTTP/1.1\r\nHost: a.test\r\nContent-Length: 14\r\n\r\nGET / HTTP/1.1',
    'PUT /w HTTP/1.1\r\nHost: a.test\r\ntransfer-encoding:chunked\r\n\r\n3;x\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n',
  );
  const request = fc.oneof(wellFormed, mutated);

  await fc.assert(
    fc.asyncProperty(
      fc.array(request, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(300), { maxLength: 3 }),
      async (requests, cuts) => {
        const from = path.entries.length;
        await using client = await connectRaw(path.port);
        const text = `${requests.join('')}GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`;
        let at = 0;
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          client.send(text.slice(at, cut));
          at = Math.max(at, Math.min(cut, text.length));
          await new Promise((resolve) => setImmediate(resolve));
        }
        client.socket.end(text.slice(at), 'latin1');
        await client.rest();
        await path.handles.at(-1)?.closed;
        for (const entry of path.entries.slice(from)) {
          const told = seen.get(entry.correlationId);
          if (entry.code !== undefined || !entry.complete) continue;
          // A method that the upstream does not know: it refused the request itself, as one request.
          if (told === undefined && entry.status === 400) continue;
          assert.deepEqual(
            told,
            { method: entry.method, path: entry.path, bytes: entry.bytesIn },
            JSON.stringify(text),
          );
        }
      },
    ),
    { numRuns: 150 },
  );
  assert.deepEqual(strangers, []);
  const passed = path.entries.filter((entry) => entry.complete && entry.code === undefined).length;
  assert.ok(passed > 50, `only ${passed} passed: the property has seen nothing`);
  for (const id of seen.keys())
    assert.ok(path.entries.some((entry) => entry.correlationId === id && entry.upstream !== undefined));
});

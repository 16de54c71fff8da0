import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho } from '../support/raw-upstream.ts';

/** Requests that could be read in two ways, by the section that says what they should have been. */
const AMBIGUOUS: Readonly<Record<string, readonly string[]>> = {
  'RFC 9112 section 3: the request line': [
    'GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n',
    ' GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /\tHTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET / http/1.1\r\nHost: a.test\r\n\r\n',
    'GET / HTTP/1.2\r\nHost: a.test\r\n\r\n',
    'GET / HTTP/2.0\r\nHost: a.test\r\n\r\n',
    'GET / HTTP/1.10\r\nHost: a.test\r\n\r\n',
    'GET /\r\nHost: a.test\r\n\r\n',
    'GET\r\nHost: a.test\r\n\r\n',
    'G(T / HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /\u00e4 HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ],
  'RFC 9112 section 3.2: the request target': [
    'GET a HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /a#b HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /a?b#c HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET ?a HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET ftp://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET https://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET https://u@a.test/ HTTP/1.1\r\nHost: u@a.test\r\n\r\n',
    'GET https:///x HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'CONNECT / HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: a.test\r\n\r\n',
  ],
  'RFC 9112 section 3.2, RFC 9110 section 7.2: Host': [
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\nhost: b.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test b.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test/x\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test@b.test\r\n\r\n',
  ],
  'RFC 9112 section 5: field lines': [
    'GET / HTTP/1.1\r\nHost : a.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\nX: a\r\n b\r\n\r\n',
    'GET / HTTP/1.1\r\n Host: a.test\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\nX: b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\rX: b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\nX: a\0b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\nX\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\n: x\r\n\r\n',
    'GET / HTTP/1.1\nHost: a.test\n\n',
  ],
  'RFC 9112 section 6: the length of a body': [
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5, 5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: -5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0x5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5 \u00e9\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999999999999999999\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length:\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nContent_Length: 5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  'RFC 9110 sections 7.6.1 and 10.1.1: Connection and Expect': [
    'POST / HTTP/1.1\r\nHost: a.test\r\nConnection: content-length\r\nContent-Length: 5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close, Host\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a.test\r\nExpect: something\r\nContent-Length: 5\r\n\r\nhello',
    'POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  ],
  'T42: the path': [
    'GET //a HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /a/../b HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /a%2fb HTTP/1.1\r\nHost: a.test\r\n\r\n',
    'GET /a%00 HTTP/1.1\r\nHost: a.test\r\n\r\n',
  ],
};

for (const [rule, requests] of Object.entries(AMBIGUOUS)) {
  test(`${rule}: what is ambiguous is refused, and what follows it is not read`, async () => {
    await using upstream = await startEcho();
    await using path = await startDataPath({ upstream: upstream.url });
    for (const request of requests) {
      await using client = await connectRaw(path.port);
      client.send(`${request}GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      const response = await client.response();
      assert.equal(response.status, 400, JSON.stringify(request));
      assert.equal((JSON.parse(response.body) as { code: string }).code, 'bad_request');
      assert.equal(response.headers['connection'], 'close');
      assert.equal(await client.rest(), '', JSON.stringify(request));
    }
    assert.deepEqual(upstream.seen, []);
  });
}

test('RFC 9112 section 7.1: a body that turns out malformed reaches the upstream as no complete request', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const body of [
    '5\r\nhelloX\r\n0\r\n\r\n',
    '5\nhello\r\n0\r\n\r\n',
    'z\r\n',
    '0\r\nX : y\r\n\r\n',
    '5;\0\r\nhello\r\n0\r\n\r\n',
  ]) {
    await using client = await connectRaw(path.port);
    client.send(`${head}${body}GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    assert.equal((await client.response()).status, 400, JSON.stringify(body));
    assert.equal(await client.rest(), '');
  }
  assert.deepEqual(upstream.seen, []);
});

test('limits on lines, fields and their number are refused, not met with memory', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({
    upstream: upstream.url,
    limits: { requestLine: 100, fieldLine: 100, fieldSection: 300, fieldCount: 5 },
  });
  const requests = [
    `GET /${'a'.repeat(200)} HTTP/1.1\r\nHost: a.test\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a.test\r\nX: ${'a'.repeat(200)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: a.test\r\n${'a: b\r\n'.repeat(6)}\r\n`,
    `GET / HTTP/1.1\r\nHost: a.test\r\n${`a: ${'b'.repeat(90)}\r\n`.repeat(4)}\r\n`,
    'a'.repeat(1000),
  ];
  for (const request of requests) {
    await using client = await connectRaw(path.port);
    client.send(request);
    assert.equal((await client.response()).status, 400);
  }
  assert.deepEqual(upstream.seen, []);
});

test('a body beyond its limit is refused, announced or not', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, limits: { body: 10 } });
  await using announced = await connectRaw(path.port);
  announced.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\n');
  assert.equal((await announced.response()).status, 400);
  await using chunked = await connectRaw(path.port);
  chunked.send(
    'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n',
  );
  assert.equal((await chunked.response()).status, 400);
  await using exact = await connectRaw(path.port);
  exact.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n0123456789');
  assert.equal((await exact.response()).status, 200);
  assert.equal(upstream.seen.length, 1);
});

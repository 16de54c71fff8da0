import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectRaw } from '../support/raw-client.ts';
import { type Seen, startEcho } from '../support/raw-upstream.ts';

test('pipelined requests are answered in order, on one upstream connection', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url });
  await using client = await connectRaw(path.port);
  client.send(
    'GET /1?q=%zz HTTP/1.1\r\nHost: A.test\r\n\r\n' +
      'POST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello' +
      'PUT /3 HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n' +
      'HEAD /4 HTTP/1.1\r\nHost: a.test\r\n\r\n',
  );
  const first = JSON.parse((await client.response()).body) as Seen;
  const second = JSON.parse((await client.response()).body) as Seen;
  const third = JSON.parse((await client.response()).body) as Seen;
  const fourth = await client.response(true);
  assert.equal(first.url, '/1?q=%zz');
  assert.equal(first.headers['host'], 'a.test');
  assert.deepEqual([second.method, second.url, second.body], ['POST', '/2', 'hello']);
  assert.deepEqual([third.url, third.body, third.trailers['x-sum']], ['/3', 'abcde', '7']);
  assert.equal(fourth.status, 200);
  assert.equal(path.counts.upstreamConnected, 1);
  assert.deepEqual(
    path.entries.map((entry) => [entry.status, entry.path, entry.bytesIn, entry.complete]),
    [
      [200, '/1', 0, true],
      [200, '/2', 5, true],
      [200, '/3', 5, true],
      [200, '/4', 0, true],
    ],
  );
});

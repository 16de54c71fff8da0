import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2 } from '../support/http2-client.ts';
import { type Seen, startEcho } from '../support/raw-upstream.ts';

test('HTTP/2 requests reach an HTTP/1.1 upstream, with body and cookies, many at once', async () => {
  await using upstream = await startEcho();
  await using path = await startDataPath({ upstream: upstream.url, tls: true });
  await using client = await connectHttp2(path);
  const [first, second, third] = await Promise.all([
    client.fetch({ ':path': '/1?q', cookie: ['a=1', 'b=2'] }),
    client.fetch({ ':path': '/2', ':method': 'POST' }, 'hello'),
    client.fetch({ ':path': '/3', ':method': 'HEAD' }),
  ]);
  const one = JSON.parse(first.body) as Seen;
  assert.deepEqual([one.url, one.headers['cookie'], one.headers['host']], ['/1?q', 'a=1; b=2', 'a.test']);
  assert.equal((JSON.parse(second.body) as Seen).body, 'hello');
  assert.deepEqual([third.status, third.body], [200, '']);
  await path.entry(2);
  const told = path.entries.map((entry) => `${entry.protocol} ${entry.path} ${entry.status} ${entry.complete}`);
  assert.deepEqual(new Set(told), new Set(['HTTP/2 /1 200 true', 'HTTP/2 /2 200 true', 'HTTP/2 /3 200 true']));
});

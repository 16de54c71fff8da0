import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepted } from '../support/context.ts';
import { startDataPath } from '../support/data-path.ts';
import { connectHttp2 } from '../support/http2-client.ts';
import { connectRaw } from '../support/raw-client.ts';
import { startEcho } from '../support/raw-upstream.ts';

test('a fault of our own admits nobody, and ends only the request that met it', async () => {
  await using upstream = await startEcho();
  let faulty = true;
  const setup = {
    upstream: upstream.url,
    peer: accepted(),
    permits: () => {
      if (faulty) throw new Error('a rule that breaks');
      return true;
    },
  };
  await using one = await startDataPath(setup);
  await using two = await startDataPath({ ...setup, tls: true });
  await using client = await connectRaw(one.port);
  await using other = await connectRaw(one.port);
  await using streams = await connectHttp2(two);
  client.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal(await client.rest(), '');
  await assert.rejects(streams.fetch({ ':path': '/' }));
  assert.deepEqual(upstream.seen, []);
  for (const path of [one, two]) {
    const entry = await path.entry(0);
    assert.match(entry.detail ?? '', /internal: Error: a rule that breaks/);
    assert.equal(entry.complete, false);
  }
  faulty = false;
  other.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal((await other.response()).status, 200);
  assert.equal((await streams.fetch({ ':path': '/' })).status, 200);
});

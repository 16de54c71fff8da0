import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorityMetrics } from '../../src/authority-link/authority-metrics.ts';

const base = new URL('https://pki.example/');

test("the authority's metrics are passed on as they are", async () => {
  const asked: string[] = [];
  const text = await authorityMetrics(async (url) => {
    asked.push(url.href);
    return new Response('countersign_authority_x 1\n');
  }, base);
  assert.equal(text, 'countersign_authority_x 1\n');
  assert.deepEqual(asked, ['https://pki.example/v1/metrics']);
});

test('an authority that is away, refuses or never ends leaves the metrics of the gateway whole', async () => {
  assert.equal(await authorityMetrics(() => Promise.reject(new Error('away')), base), '');
  assert.equal(await authorityMetrics(async () => new Response('no', { status: 403 }), base), '');
  let sent = 0;
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  assert.equal(await authorityMetrics(async () => new Response(endless), base), '');
  assert.ok(sent < 32, 'no more is read than is kept');
});

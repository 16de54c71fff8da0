import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRoot } from '@countersign/testkit';
import { MetricsTotals, type MetricsSnapshot } from '../../src/metrics/aggregate.ts';
import { createWorkerMetrics } from '../../src/metrics/worker-metrics.ts';
import { BackOff, TicketKeys } from '@countersign/trust';
import { checkServerCertificate } from '../../src/primary/server-certificate.ts';
import { SharedIntermediates } from '../../src/primary/shared-intermediates.ts';
import { TrustNews } from '../../src/primary/trust-news.ts';
import type { ToWorker } from '../../src/worker/messages.ts';

test('waits double up to a bound, spread over their upper half', () => {
  const high = new BackOff({ firstMs: 100, mostMs: 1000, random: () => 1 });
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map(() => high.next()),
    [100, 200, 400, 800, 1000, 1000],
  );
  high.reset();
  assert.equal(high.next(), 100);
  assert.equal(new BackOff({ firstMs: 100, mostMs: 1000, random: () => 0 }).next(), 50);
});

test('ticket keys: replaced by age, at once when trust changes, and on request not too often', () => {
  let now = 0;
  const published: string[] = [];
  const keys = new TicketKeys({
    maxAgeMs: 1000,
    minIntervalMs: 100,
    now: () => now,
    publish: (made) => published.push(made.toString('hex')),
  });
  assert.equal(keys.current.length, 48);
  keys.renewOnRequest();
  keys.renewWhenOld();
  assert.equal(published.length, 0);
  now = 100;
  keys.renewOnRequest();
  keys.renewOnRequest();
  assert.equal(published.length, 1);
  keys.renew();
  assert.equal(published.length, 2);
  now = 1100;
  keys.renewWhenOld();
  assert.equal(published.length, 3);
  assert.equal(new Set(published).size, 3);
});

test('news is in force when every worker that may accept has applied it', async () => {
  const readers = [
    { mayAccept: true, applied: 0 },
    { mayAccept: false, applied: 0 },
  ];
  const told: ToWorker[] = [];
  const news = new TrustNews(
    (message) => told.push(message),
    () => readers,
  );
  let done = false;
  const told1 = news.tell({ kind: 'fresh', at: 1 }).then(() => (done = true));
  await Promise.resolve();
  assert.equal(done, false);
  news.check();
  await Promise.resolve();
  assert.equal(done, false);
  readers[0] = { mayAccept: true, applied: 1 };
  news.check();
  await told1;
  readers[1] = { mayAccept: true, applied: 1 };
  const gone = news.tell({ kind: 'fresh', at: 2 });
  readers.length = 0;
  news.check();
  await gone;
  assert.equal(told.length, 2);
});

test('intermediates: what one worker has verified is news once, and the issuers of a leaf are found up the chain', async () => {
  const root = await createRoot();
  const upper = await root.issueCa('Upper');
  const lower = await upper.issueCa('Lower');
  const leaf = await lower.issue('leaf');
  const shared = new SharedIntermediates();
  assert.equal(shared.add([lower.der, upper.der, new Uint8Array([1, 2])]).length, 2);
  assert.equal(shared.add([lower.der]).length, 0);
  assert.deepEqual(
    shared.issuersOf(leaf.der).map((der) => Buffer.from(der).toString('hex')),
    [lower.der, upper.der].map((der) => Buffer.from(der).toString('hex')),
  );
  assert.deepEqual(shared.issuersOf((await createRoot('Other')).der), []);
  assert.deepEqual(shared.issuersOf(new Uint8Array([0x30])), []);
  assert.equal(shared.all().length, 2);
});

test('a server certificate: the key must be its own; what is odd is said', async () => {
  const root = await createRoot();
  const made = await root.issueServer('a.test', '*.b.test');
  const pair = { id: 'x', cert: made.chainPem, key: made.keyPem };
  const now = Date.now();
  assert.deepEqual(checkServerCertificate(pair, ['a.test', '*.b.test', '127.0.0.1', '*'], now).warnings, []);
  assert.match(checkServerCertificate(pair, ['c.test'], now).warnings.join(), /not for c\.test/);
  assert.match(checkServerCertificate(pair, [], now + 40 * 86_400_000).warnings.join(), /has expired/);
  const other = await root.issueServer('a.test');
  assert.throws(
    () => checkServerCertificate({ ...pair, key: other.keyPem }, [], now),
    /not the one of the certificate/,
  );
  assert.throws(() => checkServerCertificate({ ...pair, cert: pair.cert.slice(0, 200) }, [], now));
});

test('the sum of the workers does not fall when one of them ends', async () => {
  const snapshot = async (count: number): Promise<MetricsSnapshot> => {
    const metrics = createWorkerMetrics({ connections: () => 5, handshakes: () => 0, identities: () => 0 });
    for (let index = 0; index < count; index++) metrics.handshake('TLSv1.3', false);
    // A code that a peer could invent makes no label.
    metrics.handshakeFailed('evil"} 1\n');
    return metrics.snapshot();
  };
  const totals = new MetricsTotals();
  totals.update(1, await snapshot(3));
  totals.update(2, await snapshot(4));
  assert.match(await totals.text(''), /kind="full"\} 7$/m);
  await totals.retire(1);
  const text = await totals.text('own 1\n');
  assert.match(text, /kind="full"\} 7$/m);
  assert.match(text, /^countersign_gateway_connections 5$/m);
  assert.match(text, /handshake_failures_total\{code="other"\} 2$/m);
  assert.match(text, /own 1$/m);
});

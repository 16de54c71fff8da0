import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createRoot, TEST_TIME } from '@countersign/testkit';

import { IntermediateStore } from '../../src/index.ts';

const root = await createRoot('Root', { now: TEST_TIME });
const [a, b, c] = await Promise.all(['A', 'B', 'C'].map((name) => root.issueCa(name)));
assert.ok(a !== undefined && b !== undefined && c !== undefined);

test('intermediates are found by their subject, each once', async () => {
  const store = new IntermediateStore();
  const twin = await root.issueCa('A');
  assert.equal(store.remember(a.certificate), true);
  assert.equal(store.remember(a.certificate), false);
  assert.equal(store.remember(twin.certificate), true);
  assert.deepEqual([...store.withSubject(a.certificate.subject.key)], [a.certificate, twin.certificate]);
  assert.deepEqual([...store.withSubject('nobody')], []);
  assert.equal(store.size, 2);
});

test('those used longest ago go when there are too many', () => {
  const store = new IntermediateStore({ maxCount: 2 });
  store.remember(a.certificate);
  store.remember(b.certificate);
  store.remember(a.certificate);
  store.remember(c.certificate);
  assert.deepEqual(store.export(), [a.der, c.der]);
  assert.deepEqual([...store.withSubject(b.certificate.subject.key)], []);
});

test('the octets kept are bounded, whatever their number', () => {
  const store = new IntermediateStore({ maxBytes: a.der.length + b.der.length + c.der.length - 1 });
  for (const ca of [a, b, c]) store.remember(ca.certificate);
  assert.equal(store.size, 2);
});

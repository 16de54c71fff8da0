import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { REVOCATION_REASONS, RevocationDigest, RevocationIndex } from '../../src/index.ts';
import type { Revocation, RevocationReason } from '../../src/index.ts';

const DAY_MS = 86_400_000;
const start = Date.parse('2030-06-01T12:00:00Z');

const revocation: fc.Arbitrary<Revocation> = fc.record({
  issuerKeyHash: fc.constantFrom('aa'.repeat(32), 'bb'.repeat(32)),
  // A few serials, so that the same comes again; one of them of more than 160 bits.
  serialHex: fc.constantFrom('00', '01', '00ff', 'ff', 'c0ffee', '7f'.repeat(20), '11'.repeat(30)),
  reason: fc.constantFrom(...(Object.keys(REVOCATION_REASONS) as RevocationReason[])),
  revokedAt: fc.constant(start),
  notAfter: fc.integer({ min: start - 3 * DAY_MS, max: start + 5 * DAY_MS }),
});

test('says what an index with the same entries says, whatever comes, goes, is replaced and ends', () => {
  const step = fc.oneof(
    revocation.map((value) => ({ type: 'set' as const, value })),
    revocation.map((value) => ({ type: 'delete' as const, value })),
    fc.integer({ min: 0, max: 2 * DAY_MS }).map((value) => ({ type: 'pass' as const, value })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const index = new RevocationIndex();
      const digest = new RevocationDigest();
      const known = new Map<string, Revocation>();
      let now = start;
      for (const { type, value } of steps) {
        if (type === 'pass') {
          now += value;
          index.purgeExpired(now);
          assert.equal(digest.at(now), index.digest());
          continue;
        }
        const key = `${value.issuerKeyHash}:${value.serialHex.replace(/^0+/u, '')}`;
        const before = known.get(key);
        if (before !== undefined) digest.remove(before);
        known.delete(key);
        if (type === 'set') {
          digest.add(value);
          known.set(key, value);
          index.set(value);
        } else index.delete(value.issuerKeyHash, value.serialHex);
      }
      index.purgeExpired(now);
      assert.equal(digest.at(now), index.digest());
    }),
  );
});

test('differs for one entry more, another reason, another serial', () => {
  const one: Revocation = {
    issuerKeyHash: 'aa'.repeat(32),
    serialHex: '01',
    reason: 'superseded',
    revokedAt: start,
    notAfter: start,
  };
  const of = (...entries: Revocation[]): string => {
    const digest = new RevocationDigest();
    for (const entry of entries) digest.add(entry);
    return digest.at(start);
  };
  const texts = [
    of(),
    of(one),
    of({ ...one, reason: 'keyCompromise' }),
    of({ ...one, serialHex: '02' }),
    of(one, { ...one, serialHex: '02' }),
  ];
  assert.equal(new Set(texts).size, texts.length);
  assert.match(of(one), /^1-[0-9a-f]{32}$/);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import { REVOCATION_REASONS, RevocationIndex } from '../../src/index.ts';
import type { Revocation, RevocationReason } from '../../src/index.ts';

const DAY = 86_400_000;
const issuers = ['a', 'b', 'c'].map((name) => createHash('sha256').update(name).digest('hex'));
const [issuerA = '', issuerB = ''] = issuers;

function revocation(serialHex: string, rest: Partial<Revocation> = {}): Revocation {
  return { issuerKeyHash: issuerA, serialHex, reason: 'keyCompromise', revokedAt: 1_700_000_000_000, ...rest };
}

const reasons = Object.keys(REVOCATION_REASONS) as RevocationReason[];
/** Few different serials, so that sets and deletes of one meet. */
const serial = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((n) => n.toString(16).padStart(2, '0')),
  fc.constantFrom('00ff', '80'.repeat(16), 'ff'.repeat(20), `01${'00'.repeat(20)}`, 'ab'.repeat(24)),
);
const change = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'delete'),
  issuerKeyHash: fc.constantFrom(...issuers),
  serialHex: serial,
  reason: fc.constantFrom(...reasons),
  revokedAt: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
  notAfter: fc.option(
    fc.integer({ min: 1, max: 40_000 }).map((day) => day * DAY - 1),
    { nil: undefined },
  ),
});
type Change = Revocation & { kind: string };

const bare = (serialHex: string): string => serialHex.replace(/^0+(?=..)/, '');
const keyOf = (entry: { issuerKeyHash: string; serialHex: string }): string =>
  `${entry.issuerKeyHash}:${bare(entry.serialHex)}`;

function apply(changes: readonly Change[], index: RevocationIndex, model: Map<string, Revocation>): void {
  for (const { kind, ...entry } of changes) {
    const key = keyOf(entry);
    if (kind === 'set') {
      assert.equal(index.set(entry), !model.has(key));
      model.set(key, entry);
    } else {
      assert.equal(index.delete(entry.issuerKeyHash, entry.serialHex), model.delete(key));
    }
  }
}

describe('RevocationIndex', () => {
  test('agrees with a Map after any sequence of changes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), fc.nat(), (changes, seed) => {
        const index = new RevocationIndex({ seed });
        const model = new Map<string, Revocation>();
        apply(changes, index, model);
        assert.equal(index.size, model.size);
        for (const entry of changes) {
          const expected = model.get(keyOf(entry));
          const found = index.lookup(entry.issuerKeyHash, entry.serialHex);
          assert.equal(index.has(entry.issuerKeyHash, entry.serialHex), expected !== undefined);
          const wanted = expected && {
            reason: expected.reason,
            revokedAt: expected.revokedAt,
            notAfter: expected.notAfter,
          };
          assert.deepEqual(found, wanted);
        }
        assert.deepEqual([...index.entries()].map(keyOf).toSorted(), [...model.keys()].toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test('has the same digest whatever the order and the detours by which it was filled', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), fc.nat(), (changes, seed) => {
        const index = new RevocationIndex({ seed });
        const model = new Map<string, Revocation>();
        apply(changes, index, model);
        const again = new RevocationIndex({ capacity: 1000 });
        for (const entry of [...model.values()].toReversed()) again.set(entry);
        assert.equal(again.digest(), index.digest());
      }),
      { numRuns: 60 },
    );
  });

  test('has another digest when an issuer, a serial or a reason differs', () => {
    const digests = [
      revocation('0a'),
      revocation('0b'),
      revocation('0a', { issuerKeyHash: issuerB }),
      revocation('0a', { reason: 'superseded' }),
      revocation('ab'.repeat(24)),
      revocation('ac'.repeat(24)),
    ].map((entry) => {
      const index = new RevocationIndex();
      index.set(entry);
      return index.digest();
    });
    assert.equal(new Set([...digests, new RevocationIndex().digest()]).size, 7);
  });

  test('takes a serial with leading zeros, or in capitals, for the same number', () => {
    const index = new RevocationIndex();
    index.set(revocation('00AB'));
    assert.ok(index.has(issuerA, 'ab'));
    assert.equal(index.set(revocation('ab')), false);
    assert.equal(index.size, 1);
    index.set(revocation('00'));
    assert.ok(index.has(issuerA, '0000'));
  });

  test('keeps the issuers apart', () => {
    const index = new RevocationIndex();
    index.set(revocation('0a'));
    assert.equal(index.lookup(issuerB, '0a'), undefined);
  });

  test('refuses a serial or an issuer that is not hexadecimal', () => {
    const index = new RevocationIndex();
    assert.throws(() => index.set(revocation('xyz0')), RangeError);
    for (const no of ['/', ':', '@', 'G', '`', 'g', ' ', '-', '\u0130', '\uff11', '\0']) {
      assert.throws(() => index.set(revocation(`0${no}`)), RangeError);
      assert.throws(() => index.has(issuers[0] ?? '', `${no}${'0'.repeat(39)}`), RangeError);
    }
    for (const issuerKeyHash of ['nobody', '']) {
      assert.throws(() => new RevocationIndex().set(revocation('0a', { issuerKeyHash })), RangeError);
      assert.throws(() => index.set(revocation('0a', { issuerKeyHash })), RangeError);
    }
    assert.equal(index.size, 0);
  });

  test('drops a certificate no earlier than its last day is over', () => {
    const index = new RevocationIndex();
    const notAfter = 20_000 * DAY + 5000;
    index.set(revocation('0a', { notAfter }));
    index.set(revocation('0b'));
    index.set(revocation('ab'.repeat(24), { notAfter }));
    assert.equal(index.purgeExpired(notAfter + 1000), 0);
    assert.equal(index.purgeExpired(notAfter + 2 * DAY), 2);
    assert.ok(index.has(issuerA, '0b'));
    assert.equal(index.size, 1);
  });

  test('holds a million entries in less than 40 MB and finds each', () => {
    const index = new RevocationIndex({ capacity: 1_000_000 });
    const serialOf = (n: number): string =>
      (BigInt(n) * 0x9e3779b97f4a7c15f39cc0605cedc835n).toString(16).slice(-32).padStart(32, '0');
    for (let n = 1; n <= 1_000_000; n += 1) index.set(revocation(serialOf(n)));
    assert.ok(index.byteLength < 40_000_000, `${index.byteLength} bytes`);
    let found = 0;
    for (let n = 1; n <= 1_000_000; n += 7) if (index.has(issuerA, serialOf(n))) found += 1;
    assert.equal(found, Math.ceil(1_000_000 / 7));
    assert.equal(index.has(issuerA, serialOf(1_000_001)), false);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import * as fc from 'fast-check';

import { keepRenewed, renewalTime, retryPause } from '../../src/index.ts';

const DAY = 86_400_000;

describe('renewal', () => {
  test('is due at two thirds of the lifetime or a little before', () => {
    assert.equal(renewalTime({ notBefore: 0, notAfter: 90 * DAY }, 0), 60 * DAY);
    fc.assert(
      fc.property(
        fc.nat(1e12),
        fc.integer({ min: 1, max: 1e12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b, r) => {
          const at = renewalTime({ notBefore: a, notAfter: a + b }, r);
          assert.ok(at <= a + (b * 2) / 3 + 1 && at >= a + b * 0.61 - 1);
        },
      ),
    );
  });

  test('is tried again with growing pauses, in haste when little is left', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: -DAY, max: 90 * DAY }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, left, random) => {
          const pause = retryPause(failures, left, random);
          assert.ok(pause >= 500 && pause <= 300_000);
          if (left > 8000) assert.ok(pause <= left / 8);
        },
      ),
    );
    assert.ok(retryPause(5, 90 * DAY, 1) > retryPause(1, 90 * DAY, 1));
  });

  test('follows the wall clock, and goes on after failures', async () => {
    const clock = { now: 0 };
    const validity = { notBefore: 0, notAfter: 3000 * DAY };
    const outcomes = ['fail', 'fail', 'renew', 'renew'];
    const failed: number[] = [];
    const done: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const kept = keepRenewed({
      validity: () => validity,
      now: () => clock.now,
      random: () => 0,
      lookEveryMs: 1,
      renew: () => {
        const outcome = outcomes[done.length] ?? 'stop';
        done.push(`${outcome} at ${clock.now}`);
        if (done.length === outcomes.length) resolve();
        if (outcome === 'fail') return Promise.reject(new Error('authority down'));
        validity.notBefore = clock.now;
        validity.notAfter = clock.now + 3 * DAY;
        clock.now += 2 * DAY;
        return Promise.resolve();
      },
      onFailed: (_error, failures) => {
        failed.push(failures);
        clock.now += 60_000;
      },
    });
    assert.equal(kept.nextAt, 2000 * DAY, 'far beyond what one timer can wait');
    clock.now = 2000 * DAY;
    await promise;
    kept.stop();
    assert.deepEqual(failed, [1, 2]);
    assert.deepEqual(done.slice(0, 3), [
      `fail at ${2000 * DAY}`,
      `fail at ${2000 * DAY + 60_000}`,
      `renew at ${2000 * DAY + 120_000}`,
    ]);
  });

  test('tries at once when told to, and once at a time', async () => {
    let tries = 0;
    const kept = keepRenewed({
      validity: () => ({ notBefore: 0, notAfter: DAY }),
      now: () => 0,
      random: () => 0,
      renew: () => {
        tries += 1;
        return Promise.resolve();
      },
      onFailed: () => assert.fail(),
    });
    await Promise.all([kept.renewNow(), kept.renewNow()]);
    kept.stop();
    assert.equal(tries, 1);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crlIsDue, issuingCrlMs, rootNextUpdate } from '../../../src/domain/crl/schedule.ts';
import { scopesOf } from '../../../src/domain/crl/scopes.ts';
import type { CrlScope, StoredCrl } from '../../../src/domain/ports.ts';
import { testDomain } from '../../support/context.ts';
import { currentCrl, testPublisher } from '../../support/crls.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

// Lists last three days: a year sees each of them signed hundreds of times.
const days = 366;

describe('a year in which nothing is revoked', () => {
  it('ends with every partition, the full CRL and the delta current, as they were all the time', async () => {
    await using domain = await testDomain(undefined, 2);
    const [ca] = domain.cas.issuing;
    assert.ok(ca);
    const publisher = testPublisher(domain);
    const scopes: readonly CrlScope[] = [...scopesOf(ca), 'delta'];
    const numbers = new Map<CrlScope, number>();
    for (let hours = 0; hours < days * 24; hours += 8) {
      domain.clock.advance(8 * hour);
      await publisher.refresh();
      const now = domain.clock.now();
      const crls: ReadonlyMap<CrlScope, StoredCrl> = new Map(
        (await domain.store.crls(ca.keyHash)).map((crl) => [crl.scope, crl]),
      );
      for (const scope of scopes) {
        const crl = crls.get(scope);
        assert.ok(crl && crl.thisUpdate <= now, `${scope} is there after ${hours} hours`);
        assert.ok(crl.nextUpdate - now >= 48 * hour, `two days are always left: ${scope} after ${hours} hours`);
        assert.ok(crl.number >= (numbers.get(scope) ?? 0), 'numbers only grow');
        numbers.set(scope, crl.number);
      }
    }
    for (const scope of scopes) await currentCrl(domain, scope);
    const signed = numbers.get(0) ?? 0;
    assert.ok(signed > days && signed < 4 * days, `partition 0 was signed ${signed} times`);
  });

  it('goes by without a lapse where the authority was away for two days, again and again', async () => {
    await using domain = await testDomain(undefined, 2);
    const publisher = testPublisher(domain);
    const { keyHash = '' } = domain.cas.issuing[0] ?? {};
    for (let passed = 0; passed < days; passed += 2) {
      domain.clock.advance(2 * day);
      for (const { nextUpdate, scope } of await domain.store.crls(keyHash)) {
        assert.ok(nextUpdate > domain.clock.now(), `${scope} after ${passed} days`);
      }
      await publisher.refresh();
    }
  });

  it('never has many signatures at once: 128 partitions made together come one after another', () => {
    // The schedule alone, minute by minute: a signature is a CRL that begins now.
    let now = Date.UTC(2026, 0, 1);
    const made = (scope: CrlScope, number: number): StoredCrl => ({
      issuer: 'an issuer',
      scope,
      number,
      thisUpdate: now,
      nextUpdate: now + issuingCrlMs,
      entries: 0,
      bytes: 0,
      seq: 0,
      shown: 0,
    });
    const crls = new Map(scopesOf({ partitions: 128 }).map((scope) => [scope, made(scope, 1)]));
    const perRound: number[] = [];
    for (let round = 0; round < 7 * 24 * 60; round++) {
      now += minute;
      let signed = 0;
      for (const [scope, crl] of crls) {
        const due = crlIsDue(crl, { changes: 0, crlNumbersFrom: 0 }, now);
        assert.notEqual(due, 'now', 'nothing is urgent while the authority runs');
        if (due === undefined) continue;
        signed += 1;
        crls.set(scope, made(scope, crl.number + 1));
      }
      perRound.push(signed);
    }
    assert.ok(Math.max(...perRound) <= 8, `${Math.max(...perRound)} in one round`);
    const perDay = perRound.reduce((sum, signed) => sum + signed, 0) / 7;
    assert.ok(perDay > 129 && perDay < 4 * 129, `${perDay} signatures a day`);
  });

  it('the root’s CRL lasts thirteen months', () => {
    const end = rootNextUpdate(Date.UTC(2026, 5, 1, 12));
    assert.equal(new Date(end).toISOString(), '2027-07-01T12:00:00.000Z');
  });
});

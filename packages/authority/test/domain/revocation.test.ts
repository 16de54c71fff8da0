import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { release, revoke } from '../../src/domain/revocation.ts';
import type { RevocationTarget } from '../../src/domain/revocation.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;

describeOnEachStore('revoke', () => {
  let domain: TestDomain;
  beforeEach(async () => {
    domain = await testDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  const named = (name: string): RevocationTarget => ({ by: 'name', name });
  const now = () => domain.clock.now();

  it('takes every unexpired certificate of a name, and tells the feed of each', async () => {
    const expired = await domain.issued('demo', 'client', { lifetimeSeconds: 60 });
    domain.clock.advance(120_000);
    const alive = [await domain.issued('demo'), await domain.issued('demo', 'peer')];
    await domain.issued('demo2');
    const done = await revoke(domain.store, now(), named('demo'), 'superseded', local);
    assert.ok(done.ok);
    assert.deepEqual(
      done.revoked.map(({ serial }) => serial),
      alive.map(({ serial }) => serial),
    );
    const changes = await domain.store.changesAfter(0, 10);
    assert.deepEqual(
      changes.map((change) => ('serial' in change ? change.serial : '')),
      alive.map(({ serial }) => serial),
    );
    assert.equal(done.seq, changes.at(-1)?.seq);
    assert.equal((await domain.store.certificatesBySerial(expired.serial))[0]?.revocation, undefined);
  });

  it('is done once: the second time changes nothing and is no failure', async () => {
    await domain.issued('demo');
    assert.ok((await revoke(domain.store, now(), named('demo'), 'keyCompromise', local)).ok);
    domain.clock.advance(1000);
    const again = await revoke(domain.store, now(), named('demo'), 'superseded', local);
    assert.ok(again.ok);
    assert.deepEqual([again.revoked.length, again.alreadyRevoked.length], [0, 1]);
    assert.equal(again.alreadyRevoked[0]?.revocation?.reason, 'keyCompromise');
    assert.equal((await domain.store.changesAfter(0, 10)).length, 1);
  });

  it('goes by serial and by certificate, and knows its own only', async () => {
    const [one, two] = [await domain.issued('one'), await domain.issued('two')];
    assert.ok((await revoke(domain.store, now(), { by: 'serial', serial: one.serial }, 'unspecified', local)).ok);
    assert.ok(
      (await revoke(domain.store, now(), { by: 'certificate', serial: two.serial, der: two.der }, 'unspecified', local))
        .ok,
    );
    for (const target of [
      named('nobody'),
      { by: 'serial', serial: 'abcdef' },
      { by: 'certificate', serial: one.serial, der: two.der },
    ] satisfies RevocationTarget[]) {
      const outcome = await revoke(domain.store, now(), target, 'unspecified', local);
      assert.equal(outcome.ok ? 'ok' : outcome.code, 'unknown_certificate');
    }
  });

  it('succeeds for a name whose certificates have all expired', async () => {
    await domain.issued('old', 'client', { lifetimeSeconds: 60 });
    domain.clock.advance(120_000);
    const done = await revoke(domain.store, now(), named('old'), 'unspecified', local);
    assert.ok(done.ok);
    assert.equal(done.revoked.length, 0);
  });

  it('holds, releases, and makes a hold final; what is final is never released', async () => {
    await domain.issued('demo');
    assert.ok((await revoke(domain.store, now(), named('demo'), 'certificateHold', local)).ok);
    assert.ok((await release(domain.store, now(), named('demo'), local)).ok);
    const idle = await release(domain.store, now(), named('demo'), local);
    assert.equal(idle.ok ? 'ok' : idle.code, 'not_held');
    assert.ok((await revoke(domain.store, now(), named('demo'), 'certificateHold', local)).ok);
    const final = await revoke(domain.store, now(), named('demo'), 'keyCompromise', local);
    assert.ok(final.ok);
    assert.equal(final.revoked.length, 1);
    const late = await release(domain.store, now(), named('demo'), local);
    assert.equal(late.ok ? 'ok' : late.code, 'not_held');
    const kinds = (await domain.store.changesAfter(0, 10)).map(({ type }) => type);
    assert.deepEqual(kinds, ['revoked', 'released', 'revoked', 'revoked']);
  });
});

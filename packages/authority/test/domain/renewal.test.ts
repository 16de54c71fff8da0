import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { parseCertificate } from '@countersign/pki';
import { blockingReasons } from '@countersign/protocol';
import type { RevocationReason } from '@countersign/protocol';
import { findAuditBreak } from '../../src/domain/audit.ts';
import { allow, blockedIdentities } from '../../src/domain/blocks.ts';
import { issueForAdmin } from '../../src/domain/doors.ts';
import { createToken, redeemToken } from '../../src/domain/tokens.ts';
import { renew } from '../../src/domain/renewal.ts';
import { release, revoke } from '../../src/domain/revocation.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { newRequest } from '../support/keys.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;

describeOnEachStore('renew', () => {
  let domain: TestDomain;
  beforeEach(async () => {
    domain = await testDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  async function outcomeOf(current: Awaited<ReturnType<TestDomain['issued']>>, csr?: string): Promise<string> {
    const outcome = await renew(domain.context, current, csr ?? (await newRequest()).csr);
    return outcome.ok ? 'ok' : outcome.code;
  }

  it('gives the same names and profile anew', async () => {
    const current = await domain.issued('svc', 'peer', { sans: [{ type: 'dns', value: 'svc.example' }] });
    domain.clock.advance(20 * 86_400_000);
    const { csr } = await newRequest();
    const outcome = await renew(domain.context, current, csr);
    assert.ok(outcome.ok && outcome.issued !== undefined);
    const stored = (await domain.store.certificatesBySerial(outcome.issued.serial))[0];
    assert.ok(stored);
    assert.deepEqual([stored.name, stored.profile, stored.sans], [current.name, current.profile, current.sans]);
    assert.equal(parseCertificate(stored.der).notAfter, domain.clock.now() + 30 * 86_400_000);
  });

  it('goes on demanding a stapled response', async () => {
    const { csr } = await newRequest();
    const current = await domain.issued('must.example', 'server', { mustStaple: true });
    const outcome = await renew(domain.context, current, csr);
    assert.ok(outcome.ok && outcome.issued !== undefined);
    const [stored] = await domain.store.certificatesBySerial(outcome.issued.serial);
    assert.equal(parseCertificate(stored?.der ?? new Uint8Array()).mustStaple, true);
  });

  it('gives no more time than the certificate was issued for, nor than its profile', async () => {
    const short = await domain.issued('brief', 'client', { lifetimeSeconds: 60 });
    const long = await domain.issued('lasting', 'client', { lifetimeSeconds: 1000 * 86_400 });
    const { csr } = await newRequest();
    const [first, second] = [await renew(domain.context, short, csr), await renew(domain.context, long, csr)];
    assert.ok(first.ok && second.ok && first.issued !== undefined && second.issued !== undefined);
    assert.equal(Date.parse(first.issued.notAfter), domain.clock.now() + 60_000);
    assert.equal(Date.parse(second.issued.notAfter), domain.clock.now() + 90 * 86_400_000);
  });

  it('refuses a revoked certificate, its key, and a certificate that shares the key', async () => {
    const { csr } = await newRequest();
    const first = await domain.issued('a', 'client', { csr });
    const twin = await domain.issued('b', 'client', { csr });
    const other = await domain.issued('c');
    assert.ok((await revoke(domain.store, domain.clock.now(), { by: 'name', name: 'a' }, 'keyCompromise', local)).ok);
    assert.equal(await outcomeOf(first), 'renewal_refused');
    assert.equal(await outcomeOf(twin), 'renewal_refused');
    assert.equal(await outcomeOf(other, csr), 'key_revoked');
    assert.equal(await outcomeOf(other), 'ok');
  });

  it('asks the store also for what no CRL lists any more', async () => {
    const current = await domain.issued('gone', 'client', { lifetimeSeconds: 3600 });
    assert.ok((await revoke(domain.store, domain.clock.now(), { by: 'name', name: 'gone' }, 'superseded', local)).ok);
    domain.clock.advance(400 * 86_400_000);
    assert.deepEqual(await domain.store.revocationsAfter(undefined, domain.clock.now(), 10), []);
    assert.equal(await outcomeOf(current), 'renewal_refused');
  });

  it('after superseded its door issues anew; after what puts the holder in doubt no door does, until an administrator allows it', async () => {
    const { store, clock, context } = domain;
    const sans = [{ type: 'dns', value: 'shop.example' }] as const;
    const wish = { name: 'shop', profile: 'client', sans, ttlSeconds: 900 } as const;
    const enroll = async (name: string): Promise<string> => {
      const made = await createToken(context, { ...wish, name }, local);
      assert.ok(made.ok);
      const redeemed = await redeemToken(context, made.token, (await newRequest()).csr);
      return redeemed.ok ? 'ok' : redeemed.code;
    };
    const byAdmin = async (): Promise<string> => {
      const { csr } = await newRequest();
      const outcome = await issueForAdmin(context, { ...wish, name: 'other', csr }, local);
      return outcome.ok ? 'ok' : outcome.code;
    };
    const revokeFor = async (reason: RevocationReason): Promise<void> => {
      assert.ok((await revoke(store, clock.now(), { by: 'name', name: 'shop' }, reason, local)).ok);
    };
    await domain.issued('shop', 'client', { sans });
    await revokeFor('superseded');
    assert.equal(await enroll('shop'), 'ok');
    for (const reason of blockingReasons) {
      await revokeFor(reason);
      const neighbour = await domain.issued('neighbour');
      assert.equal(await enroll('shop'), 'identity_blocked', reason);
      // Any of its names, whatever the others are, and whoever asks.
      assert.equal(await enroll('another'), 'identity_blocked', reason);
      assert.equal(await byAdmin(), 'identity_blocked', reason);
      assert.equal(await outcomeOf(neighbour), 'ok');
      const [blocked, ...more] = blockedIdentities(await store.blocks());
      assert.deepEqual(
        [blocked?.name, blocked?.names, blocked?.reason],
        ['shop', ['cn:shop', 'dns:shop.example'], reason],
      );
      assert.deepEqual(more, []);
      const allowed = await allow(store, clock.now(), 'shop', local);
      assert.ok(allowed.ok);
      assert.equal(await enroll('shop'), 'ok', reason);
      const again = await allow(store, clock.now(), 'shop', local);
      assert.equal(again.ok ? 'ok' : again.code, 'not_blocked');
    }
    const audited = (await store.auditAfter(0, 1000)).filter(({ action }) => action === 'identity.allowed');
    assert.equal(audited.length, blockingReasons.length);
    assert.equal(await findAuditBreak(store), undefined);
  });

  it('refuses while on hold, and goes on after a release', async () => {
    const current = await domain.issued('held');
    const target = { by: 'name', name: 'held' } as const;
    assert.ok((await revoke(domain.store, domain.clock.now(), target, 'certificateHold', local)).ok);
    assert.equal(await outcomeOf(current), 'renewal_refused');
    assert.ok((await release(domain.store, domain.clock.now(), target, local)).ok);
    assert.equal(await outcomeOf(current), 'ok');
  });
});

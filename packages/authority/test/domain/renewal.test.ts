import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { parseCertificate } from '@countersign/pki';
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
    assert.ok(outcome.ok);
    const stored = (await domain.store.certificatesBySerial(outcome.issued.serial))[0];
    assert.ok(stored);
    assert.deepEqual([stored.name, stored.profile, stored.sans], [current.name, current.profile, current.sans]);
    assert.equal(parseCertificate(stored.der).notAfter, domain.clock.now() + 30 * 86_400_000);
  });

  it('gives no more time than the certificate was issued for, nor than its profile', async () => {
    const short = await domain.issued('brief', 'client', { lifetimeSeconds: 60 });
    const long = await domain.issued('lasting', 'client', { lifetimeSeconds: 1000 * 86_400 });
    const { csr } = await newRequest();
    const [first, second] = [await renew(domain.context, short, csr), await renew(domain.context, long, csr)];
    assert.ok(first.ok && second.ok);
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

  it('refuses while on hold, and goes on after a release', async () => {
    const current = await domain.issued('held');
    const target = { by: 'name', name: 'held' } as const;
    assert.ok((await revoke(domain.store, domain.clock.now(), target, 'certificateHold', local)).ok);
    assert.equal(await outcomeOf(current), 'renewal_refused');
    assert.ok((await release(domain.store, domain.clock.now(), target, local)).ok);
    assert.equal(await outcomeOf(current), 'ok');
  });
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { parseCertificate } from '@countersign/pki';
import type { CrlPublisher } from '../../../src/domain/crl/publisher.ts';
import { partitionOf } from '../../../src/domain/crl/scopes.ts';
import { release, revoke } from '../../../src/domain/revocation.ts';
import { testDomain } from '../../support/context.ts';
import type { TestDomain } from '../../support/context.ts';
import { currentCrl, currentHead, entriesOf, serialsOf, testPublisher } from '../../support/crls.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const local = { kind: 'local' } as const;
const hour = 3_600_000;

describeOnEachStore('the partitions of a CRL', () => {
  let domain: TestDomain;
  let publisher: CrlPublisher;
  let issuer: string;
  beforeEach(async () => {
    domain = await testDomain();
    publisher = testPublisher(domain);
    issuer = domain.cas.issuing[0]?.keyHash ?? '';
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  const revoked = (name: string, reason: Parameters<typeof revoke>[3] = 'superseded', extra = {}) =>
    revoke(domain.store, domain.clock.now(), { by: 'name', name }, reason, local, extra);

  it('are chosen by the serial number, each as often as the other, and named by the certificate', async () => {
    const counts = Array.from({ length: 128 }, () => 0);
    for (let i = 0; i < 128 * 400; i++) {
      const serial = crypto.getRandomValues(new Uint8Array(16));
      counts[partitionOf(serial, 128)]! += 1;
    }
    assert.ok(Math.min(...counts) > 280 && Math.max(...counts) < 520, counts.join(' '));
    const { der, partition, serial } = await domain.issued('one');
    assert.equal(partition, partitionOf(Buffer.from(serial, 'hex'), 4));
    assert.deepEqual(parseCertificate(der).crlDistributionPoints?.[0]?.name?.fullName, [
      { type: 'uri', value: `http://ca.example/crl/issuing-1/${partition}.crl` },
    ]);
  });

  it('list what is revoked with reason and invalidity date, in the certificate’s partition and in no other', async () => {
    const victim = await domain.issued('victim');
    const since = domain.clock.now() - 48 * hour;
    await revoked('victim', 'keyCompromise', { invalidityDate: since });
    await publisher.publish(issuer, victim.partition);
    for (let partition = 0; partition < 4; partition++) {
      const crl = await currentCrl(domain, partition);
      const entry = crl.lookup(parseCertificate(victim.der).serialNumber);
      if (partition !== victim.partition) assert.equal(entry, undefined);
      else assert.deepEqual([entry?.reason, entry?.invalidityDate], ['keyCompromise', since]);
    }
  });

  it('say in a critical issuingDistributionPoint which they are, and set no other limit', async () => {
    for (let partition = 0; partition < 4; partition++) {
      const crl = await currentCrl(domain, partition);
      assert.deepEqual(crl.issuingDistributionPoint, {
        name: { fullName: [{ type: 'uri', value: `http://ca.example/crl/issuing-1/${partition}.crl` }] },
        onlyContainsUserCerts: false,
        onlyContainsCaCerts: false,
        onlyContainsAttributeCerts: false,
        indirectCrl: false,
      });
      assert.equal(crl.extensions.find(({ oid }) => oid === '2.5.29.28')?.critical, true);
      assert.equal(crl.deltaCrlIndicator, undefined);
    }
  });

  it('have every URL that any certificate names, also one from before the base was changed', async () => {
    const before = await domain.issued('before');
    await publisher.ensureBase(issuer, 'http://new.example');
    for (let partition = 0; partition < 4; partition++) {
      const names = (await currentCrl(domain, partition)).issuingDistributionPoint?.name?.fullName;
      assert.deepEqual(
        new Set(names?.map(({ value }) => value)),
        new Set(['http://new.example', 'http://ca.example'].map((base) => `${base}/crl/issuing-1/${partition}.crl`)),
      );
    }
    const named = parseCertificate(before.der).crlDistributionPoints?.[0]?.name?.fullName?.[0];
    const idp = (await currentCrl(domain, before.partition)).issuingDistributionPoint;
    assert.ok(idp?.name?.fullName?.some(({ value }) => value === named?.value));
    const point = (await currentCrl(domain, 'full')).freshestCrl?.[0]?.name?.fullName;
    assert.equal(point?.length, 2);
    const { number } = await currentHead(domain, 0);
    await Promise.all([
      publisher.ensureBase(issuer, 'http://new.example'),
      testPublisher(domain).ensureBase(issuer, 'http://new.example'),
    ]);
    assert.equal((await currentHead(domain, 0)).number, number, 'what is published already is not signed again');
  });

  it('have numbers that only grow, one for all who ask at once', async () => {
    const before = (await currentHead(domain, 0)).number;
    await Promise.all(Array.from({ length: 20 }, () => publisher.publish(issuer, 0)));
    const after = (await currentHead(domain, 0)).number;
    assert.ok(after > before && after <= before + 2, `${before} -> ${after}`);
    assert.equal((await currentHead(domain, 1)).number, 1, 'each partition counts for itself');
  });

  it('hold whatever was revoked before they were asked for', async () => {
    const victims = await Promise.all(Array.from({ length: 10 }, (_, i) => domain.issued(`v${i}`)));
    await Promise.all(
      victims.map(async ({ name, serial, partition }) => {
        await revoked(name);
        await publisher.publish(issuer, partition);
        assert.ok(serialsOf(await currentCrl(domain, partition)).includes(serial));
      }),
    );
  });

  it('let go of a released hold at once, and of an expired certificate after one CRL at its usual time beyond its end', async () => {
    const held = await domain.issued('held');
    const brief = await domain.issued('brief', 'client', { lifetimeSeconds: 3600 });
    for (const name of ['held', 'brief']) await revoked(name, 'certificateHold');
    await publisher.refresh();
    assert.deepEqual(
      entriesOf(await currentCrl(domain, held.partition)).find(([serial]) => serial === held.serial),
      [held.serial, 'certificateHold'],
    );
    await release(domain.store, domain.clock.now(), { by: 'name', name: 'held' }, local);
    await publisher.publish(issuer, held.partition);
    assert.ok(!serialsOf(await currentCrl(domain, held.partition)).includes(held.serial));
    for (let hours = 0; hours < 15; hours += 5) {
      domain.clock.advance(5 * hour);
      // Revocations of others make no difference: whoever fetches seldom has to see it too.
      await publisher.publish(issuer, brief.partition);
      await publisher.publish(issuer, brief.partition);
      assert.deepEqual(serialsOf(await currentCrl(domain, brief.partition)), [brief.serial]);
    }
    domain.clock.advance(13 * hour);
    await publisher.refresh();
    await publisher.publish(issuer, brief.partition);
    assert.deepEqual(serialsOf(await currentCrl(domain, brief.partition)), []);
  });

  it('are signed by upkeep where the process ended between a revocation and its CRL', async () => {
    const victim = await domain.issued('victim');
    await revoked('victim');
    const numbers = await Promise.all([0, 1, 2, 3].map(async (scope) => (await currentHead(domain, scope)).number));
    await testPublisher(domain).refresh();
    assert.ok(serialsOf(await currentCrl(domain, victim.partition)).includes(victim.serial));
    assert.ok(serialsOf(await currentCrl(domain, 'full')).includes(victim.serial));
    const after = await Promise.all([0, 1, 2, 3].map(async (scope) => (await currentHead(domain, scope)).number));
    assert.deepEqual(
      after.map((number, i) => number - (numbers[i] ?? 0)),
      [0, 1, 2, 3].map((partition) => Number(partition === victim.partition)),
    );
  });

  it('are made anew after the clock was set back, and after a restore beyond any number before', async () => {
    const { number } = await currentHead(domain, 2);
    domain.clock.advance(-30 * 24 * hour);
    await publisher.refresh();
    assert.equal((await currentHead(domain, 2)).number, number + 1);
    await domain.store.write((tx) => tx.beginEpoch('ab'.repeat(16), 5000));
    await publisher.refresh();
    for (const scope of [0, 1, 2, 3, 'full', 'delta'] as const) {
      const head = await currentHead(domain, scope);
      assert.ok(head.number > 5000, `${scope}: ${head.number}`);
    }
    await publisher.publish(issuer, 2);
    assert.equal((await currentHead(domain, 2)).number, 5002);
    const delta = await currentCrl(domain, 'delta');
    assert.ok((delta.deltaCrlIndicator ?? 0n) > 5000n, 'no delta goes on from a CRL of another history');
  });
});

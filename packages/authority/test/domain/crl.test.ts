import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { parseCertificate, parseCrl, verifySignature } from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner } from '@countersign/trust';
import { CrlPublisher, issuingCrlSchedule, rootCrlSchedule, signCrl } from '../../src/domain/crl.ts';
import type { StoredCrl } from '../../src/domain/ports.ts';
import { release, revoke } from '../../src/domain/revocation.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;
const hour = 3_600_000;

describeOnEachStore('CRLs', () => {
  let domain: TestDomain;
  let publisher: CrlPublisher;
  let issuer: string;
  beforeEach(async () => {
    domain = await testDomain();
    publisher = new CrlPublisher(domain.store, domain.clock.now, () => domain.cas.issuing);
    issuer = domain.cas.issuing[0]?.keyHash ?? '';
    await publisher.refresh();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  async function current(): Promise<StoredCrl> {
    const crl = await domain.store.crl(issuer, 0);
    assert.ok(crl);
    return crl;
  }
  const serials = (crl: StoredCrl): string[] => {
    const found: string[] = [];
    parseCrl(crl.der).forEachEntry((entry) => {
      found.push(entry.serialHex);
    });
    return found;
  };

  it('list what is revoked, with its reason, signed by its issuer', async () => {
    const victim = await domain.issued('victim');
    await revoke(domain.store, domain.clock.now(), { by: 'name', name: 'victim' }, 'keyCompromise', local);
    await publisher.publish(issuer, 0);
    const crl = parseCrl((await current()).der);
    const [ca] = domain.cas.issuing;
    assert.ok(ca && verifySignature(crl, ca.certificate.spki, nodeCrypto).ok);
    const entry = crl.lookup(parseCertificate(victim.der).serialNumber);
    assert.equal(entry?.reason, 'keyCompromise');
    assert.equal(crl.nextUpdate, domain.clock.now() + 72 * hour);
  });

  it('have numbers that only grow, one for all who ask at once', async () => {
    const before = (await current()).number;
    await Promise.all(Array.from({ length: 20 }, () => publisher.publish(issuer, 0)));
    const after = (await current()).number;
    assert.ok(after > before && after <= before + 2, `${before} -> ${after}`);
  });

  it('hold whatever was revoked before they were asked for', async () => {
    const victims = await Promise.all(Array.from({ length: 10 }, (_, i) => domain.issued(`v${i}`)));
    await Promise.all(
      victims.map(async ({ name, serial }) => {
        await revoke(domain.store, domain.clock.now(), { by: 'name', name }, 'superseded', local);
        await publisher.publish(issuer, 0);
        assert.ok(serials(await current()).includes(serial));
      }),
    );
  });

  it('let go of a released hold at once, and of an expired certificate after one CRL beyond its end', async () => {
    const held = await domain.issued('held');
    const brief = await domain.issued('brief', 'client', { lifetimeSeconds: 3600 });
    for (const name of ['held', 'brief']) {
      await revoke(domain.store, domain.clock.now(), { by: 'name', name }, 'certificateHold', local);
    }
    await publisher.publish(issuer, 0);
    assert.deepEqual(serials(await current()).toSorted(), [held.serial, brief.serial].toSorted());
    await release(domain.store, domain.clock.now(), { by: 'name', name: 'held' }, local);
    domain.clock.advance(13 * hour);
    await publisher.refresh();
    assert.deepEqual(serials(await current()), [brief.serial]);
    domain.clock.advance(13 * hour);
    await publisher.refresh();
    assert.deepEqual(serials(await current()), []);
  });

  it('never lapse in a year in which nothing is revoked', async () => {
    let last = await current();
    for (let days = 0; days < 366; days += 1) {
      domain.clock.advance(24 * hour);
      await publisher.refresh();
      const crl = await current();
      assert.ok(crl.nextUpdate - domain.clock.now() >= 48 * hour, 'two days are always left');
      assert.ok(crl.number >= last.number);
      last = crl;
    }
    assert.equal(last.number, 367);
  });

  it('are made anew after the clock was set back, and after a restore beyond any number before', async () => {
    const { number } = await current();
    domain.clock.advance(-30 * 24 * hour);
    await publisher.refresh();
    assert.equal((await current()).number, number + 1);
    await domain.store.write((tx) => tx.beginEpoch('ab'.repeat(16), 5000));
    await publisher.refresh();
    assert.equal((await current()).number, 5001);
    await publisher.publish(issuer, 0);
    assert.equal((await current()).number, 5002);
  });

  it('of the root last thirteen months', async () => {
    const { privateKey } = await generateKeyPair('p384');
    const root = { ...domain.cas.root, signer: nodeSigner(privateKey) };
    const crl = await domain.store.write((tx) => signCrl(tx, root, 0, domain.clock.now(), rootCrlSchedule));
    assert.equal(new Date(crl.nextUpdate).toISOString(), '2027-07-01T12:00:00.000Z');
    assert.equal(issuingCrlSchedule.refreshAfterMs, 12 * hour);
  });
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { parseCertificate } from '@countersign/pki';
import type { Crl } from '@countersign/pki';
import { eventually } from '@countersign/testkit';
import { signFull } from '../../../src/domain/crl/full.ts';
import type { CrlPublisher } from '../../../src/domain/crl/publisher.ts';
import type { StoredCertificate } from '../../../src/domain/ports.ts';
import { release, revoke } from '../../../src/domain/revocation.ts';
import { testDomain } from '../../support/context.ts';
import type { TestDomain } from '../../support/context.ts';
import { addRevoked, currentCrl, currentHead, serialsOf, testPublisher, testTimers } from '../../support/crls.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const local = { kind: 'local' } as const;
const minute = 60_000;
const hour = 60 * minute;

describeOnEachStore('the full CRL and its delta', () => {
  let domain: TestDomain;
  let publisher: CrlPublisher;
  let issuer: string;
  const timers = testTimers();
  beforeEach(async () => {
    domain = await testDomain();
    publisher = testPublisher(domain, timers);
    issuer = domain.cas.issuing[0]?.keyHash ?? '';
  });
  afterEach(async () => {
    await publisher.close();
    await domain[Symbol.asyncDispose]();
  });

  const revoked = async (name: string, reason: Parameters<typeof revoke>[3] = 'superseded') => {
    await revoke(domain.store, domain.clock.now(), { by: 'name', name }, reason, local);
    await publisher.publishList(issuer);
  };
  const released = async (name: string) => {
    await release(domain.store, domain.clock.now(), { by: 'name', name }, local);
    await publisher.publishList(issuer);
  };

  it('have no limit of their scope: the full CRL is for every certificate of the CA, and says where the delta is', async () => {
    const victims = await Promise.all(Array.from({ length: 12 }, (_, i) => domain.issued(`v${i}`)));
    for (const { name } of victims) await revoked(name);
    const full = await currentCrl(domain, 'full');
    assert.deepEqual(serialsOf(full).toSorted(), victims.map(({ serial }) => serial).toSorted());
    assert.equal(full.issuingDistributionPoint, undefined);
    assert.equal(full.deltaCrlIndicator, undefined);
    assert.deepEqual(full.freshestCrl?.[0]?.name?.fullName, [
      { type: 'uri', value: 'http://ca.example/crl/issuing-1/delta.crl' },
    ]);
    const delta = await currentCrl(domain, 'delta');
    assert.equal(delta.issuingDistributionPoint, undefined, 'the scope is that of its base');
    assert.equal(delta.freshestCrl, undefined);
    assert.equal(delta.extensions.find(({ oid }) => oid === '2.5.29.27')?.critical, true);
  });

  it('tell with any full CRL of the last hours and the delta what the newest full CRL tells', async () => {
    const kept: Crl[] = [await currentCrl(domain, 'full')];
    const certificates: StoredCertificate[] = [];
    for (let i = 0; i < 8; i++) certificates.push(await domain.issued(`c${i}`));
    const steps: [string, () => Promise<void>][] = [
      ['hold', () => revoked('c0', 'certificateHold')],
      ['hold and revoke', () => revoked('c1', 'certificateHold')],
      ['for good', () => revoked('c1', 'keyCompromise')],
      ['release', () => released('c0')],
      ['again', () => revoked('c0', 'affiliationChanged')],
      ['hold', () => revoked('c2', 'certificateHold')],
      ['release', () => released('c2')],
      ['revoke', () => revoked('c3')],
    ];
    for (const [what, step] of steps) {
      await step();
      domain.clock.advance(20 * minute);
      const full = await currentCrl(domain, 'full');
      const delta = await currentCrl(domain, 'delta');
      assert.equal(delta.crlNumber, full.crlNumber, 'of one moment, and they tell the same (RFC 5280, section 5.2.4)');
      for (const base of kept) {
        assert.ok((base.crlNumber ?? 0n) >= (delta.deltaCrlIndicator ?? 0n));
        for (const { der, name } of certificates) {
          const { serialNumber } = parseCertificate(der);
          const told = delta.lookup(serialNumber)?.reason ?? base.lookup(serialNumber)?.reason;
          const now = told === 'removeFromCRL' ? undefined : told;
          assert.equal(now, full.lookup(serialNumber)?.reason, `${what}: ${name} from CRL ${base.crlNumber}`);
        }
      }
      kept.push(full);
    }
  });

  it('have one sequence of numbers, and the delta goes on from another full CRL after six hours', async () => {
    await domain.issued('a');
    await domain.issued('b');
    await revoked('a');
    const first = await currentHead(domain, 'delta');
    assert.equal(first.base?.number, 1);
    assert.equal(first.number, (await currentHead(domain, 'full')).number);
    domain.clock.advance(7 * hour);
    await revoked('b');
    const full = await currentHead(domain, 'full');
    const later = await currentHead(domain, 'delta');
    assert.deepEqual([later.base?.number, later.number], [full.number, full.number]);
    assert.equal((await currentCrl(domain, 'delta')).entryCount, 0, 'there is nothing that its base does not tell');
  });

  it('of many revocations: each change is in the delta at once and in the full CRL within a minute', async () => {
    await addRevoked(domain, 200);
    await publisher.refresh();
    const before = await currentHead(domain, 'full');
    assert.equal(before.entries, 200);
    const inDelta = async (serial: string) => serialsOf(await currentCrl(domain, 'delta')).includes(serial);
    const late = await domain.issued('late');
    await revoked('late');
    assert.deepEqual(timers.delays(), [5000]);
    assert.equal((await currentHead(domain, 'full')).number, before.number);
    assert.ok(await inDelta(late.serial));
    const later = await domain.issued('later');
    await revoked('later');
    assert.ok((await inDelta(late.serial)) && (await inDelta(later.serial)));
    assert.deepEqual(timers.delays(), [5000], 'one build for both');
    domain.clock.advance(5000);
    timers.run();
    await eventually('the full CRL', 10_000, async () => (await currentHead(domain, 'full')).entries === 202);
    const after = await currentHead(domain, 'full');
    assert.ok((await currentHead(domain, 'delta')).number > after.number);
  });

  it('is read from one moment while others write, and seen whole or not at all', async () => {
    await addRevoked(domain, 200);
    await publisher.refresh();
    const before = await currentHead(domain, 'full');
    const [ca] = domain.cas.issuing;
    assert.ok(ca);
    const building = signFull(domain.store, ca, domain.clock.now, 1000);
    const progress = { done: false };
    const ended = building.finally(() => (progress.done = true));
    let seen = 0;
    while (!progress.done) {
      const { number } = await currentHead(domain, 'full');
      const crl = await currentCrl(domain, 'full');
      assert.equal(crl.crlNumber, BigInt(number));
      assert.equal(crl.entryCount, number === before.number ? 200 : crl.entryCount);
      await addRevoked(domain, 1, `meanwhile-${seen}`);
      seen += 1;
    }
    const crl = await ended;
    assert.ok(crl && seen > 2, `${seen} writes meanwhile`);
    const full = await currentCrl(domain, 'full');
    // Everything up to one event of the feed, and nothing behind it.
    assert.equal(full.entryCount, crl.seq);
    const delta = await currentCrl(domain, 'delta');
    assert.ok(delta.entryCount >= seen - (full.entryCount - 200));
  });

  it('is not put in force where a newer one is, and leaves nothing behind', async () => {
    await addRevoked(domain, 200);
    await publisher.refresh();
    const [ca] = domain.cas.issuing;
    assert.ok(ca);
    const first = signFull(domain.store, ca, domain.clock.now, 1000);
    const second = signFull(domain.store, ca, domain.clock.now, 1000);
    const numbers = (await Promise.all([first, second])).flatMap((crl) => (crl === undefined ? [] : [crl.number]));
    const { number } = await currentHead(domain, 'full');
    assert.equal(number, Math.max(...numbers));
    // Of the one before the pieces stay for whoever is reading it; a third signature takes them away.
    await signFull(domain.store, ca, domain.clock.now, 1000);
    assert.equal(await domain.store.crlPiece(issuer, 'full', number - 3, 0), undefined);
    assert.ok(await domain.store.crlPiece(issuer, 'full', number, 1));
    await currentCrl(domain, 'full');
  });

  it('is read whole by whoever began before the next, also where a build was killed in between; later he gets no mix', async () => {
    await addRevoked(domain, 200);
    const [ca] = domain.cas.issuing;
    assert.ok(ca);
    const sign = () => signFull(domain.store, ca, domain.clock.now, 1000);
    await sign();
    const crl = await sign();
    assert.ok(crl);
    const piece = (i: number) => domain.store.crlPiece(issuer, 'full', crl.number, i);
    const whole = await currentCrl(domain, 'full');
    assert.ok(whole.der.length > 3000);
    const read = [await piece(0)];

    // Killed after its first pieces: a number that is higher, and was never in force.
    const killed = await domain.store.write((tx) => tx.nextCrlNumber(issuer, 'full'));
    for (const i of [0, 1]) {
      await domain.store.write((tx) => tx.addCrlPiece(issuer, 'full', killed, i, new Uint8Array(1000)));
    }
    await addRevoked(domain, 1, 'later');
    await sign();
    for (let next = await piece(1); next !== undefined; next = await piece(read.length)) read.push(next);
    assert.deepEqual(Buffer.concat(read.flatMap((one) => one ?? [])), Buffer.from(whole.der));
    assert.equal(await domain.store.crlPiece(issuer, 'full', killed, 0), undefined);

    await sign();
    assert.equal(await piece(1), undefined);
    assert.equal((await currentCrl(domain, 'full')).entryCount, 201);
  });
});

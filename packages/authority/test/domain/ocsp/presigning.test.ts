import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testResponder } from '../../support/ocsp.ts';
import { describeOnEachStore } from '../../support/stores.ts';
import type { TestResponder } from '../../support/ocsp.ts';
import type { StoredCertificate } from '../../../src/domain/ports.ts';

const hour = 3_600_000;

function atHand(test: TestResponder, certificate: StoredCertificate) {
  return test.responder.atHand(Buffer.from(test.request([certificate])).toString('latin1'));
}

describeOnEachStore('answers signed ahead', () => {
  it('are those of every unexpired certificate, before anybody has asked', async () => {
    await using test = await testResponder();
    const expired = await test.issued('expired', { lifetimeSeconds: 60 });
    test.domain.clock.advance(120_000);
    const certificates = [];
    for (let i = 0; i < 20; i++) certificates.push(await test.issued(`c${i}`));
    test.presigning.begin();
    await test.presigning.idle();
    for (const one of certificates) assert.equal(atHand(test, one)?.status, 'good');
    assert.equal(atHand(test, expired), undefined);
    const later = await test.issued('later');
    assert.equal(atHand(test, later), undefined);
    test.presigning.begin();
    await test.presigning.idle();
    assert.equal(atHand(test, later)?.status, 'good');
    assert.deepEqual(test.failures, []);
  });

  it('leave an answer as it is that somebody has been given already: caches go on with it', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    await test.ask(alice);
    const given = atHand(test, alice);
    assert.ok(given !== undefined);
    test.domain.clock.advance(60_000);
    test.presigning.begin();
    await test.presigning.idle();
    assert.equal(atHand(test, alice)?.etag, given.etag);
  });

  it('are those of the newest certificates where not all have room', async () => {
    await using test = await testResponder({ cacheBytes: 12_000 });
    const certificates = [];
    for (let i = 0; i < 30; i++) certificates.push(await test.issued(`c${i}`));
    test.presigning.begin();
    await test.presigning.idle();
    const there = certificates.map((one) => atHand(test, one) !== undefined);
    assert.equal(there.at(-1), true);
    assert.equal(there.at(0), false);
    assert.ok(test.responder.cache.bytes <= 12_000);
  });

  it('are signed anew at once when a certificate is revoked, held or released', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    assert.equal((await test.ask(alice)).status, 'good');
    await test.revoke(alice, 'certificateHold');
    await test.pump();
    assert.notEqual(atHand(test, alice)?.status, 'good');
    await test.presigning.settled([alice]);
    assert.equal(atHand(test, alice)?.status, 'revoked');
    await test.release(alice);
    await test.pump();
    await test.presigning.settled([alice]);
    assert.equal(atHand(test, alice)?.status, 'good');
    await test.revoke(alice);
    await test.pump();
    await test.presigning.settled([alice]);
    assert.equal(atHand(test, alice)?.status, 'revoked');
  });

  it('say what was last told when a certificate changes again and again', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    for (let i = 0; i < 10; i++) {
      await test.revoke(alice, 'certificateHold');
      const pumped = test.pump();
      await test.release(alice);
      await pumped;
      await test.pump();
    }
    await test.presigning.settled([alice]);
    assert.equal((await test.ask(alice)).status, 'good');
    await test.revoke(alice);
    await test.pump();
    await test.presigning.settled([alice]);
    assert.equal((await test.ask(alice)).status, 'revoked');
  });

  it('never run out over a month in which nothing happens', async () => {
    await using test = await testResponder();
    const { clock } = test.domain;
    const alice = await test.issued('alice');
    test.presigning.begin();
    await test.presigning.idle();
    const times = new Set<number>();
    for (let hours = 0; hours < 30 * 24; hours++) {
      clock.advance(hour);
      await test.responder.responders.keep();
      test.presigning.begin();
      await test.presigning.idle();
      const answer = atHand(test, alice);
      assert.ok(answer, `an answer after ${hours} hours`);
      // Whoever fetches has half its time before them.
      assert.ok(answer.nextUpdate - clock.now() >= 6 * hour);
      times.add(answer.thisUpdate);
    }
    assert.equal(times.size, 121);
    assert.deepEqual(test.failures, []);
  });

  it('go with the certificate that ends', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice', { lifetimeSeconds: 3600 });
    assert.equal((await test.ask(alice)).status, 'good');
    const request = Buffer.from(test.request([alice])).toString('latin1');
    assert.ok(test.responder.cache.answer(request));
    test.domain.clock.advance(7 * hour);
    test.presigning.begin();
    await test.presigning.idle();
    assert.equal(test.responder.cache.answer(request), undefined);
  });

  it('fail without harm where the store does, and are made when somebody asks', async () => {
    let broken = true;
    await using test = await testResponder({
      store: (store) => ({
        ...store,
        certificateState: (...of) =>
          broken ? Promise.reject(new Error('the disk is gone')) : store.certificateState(...of),
      }),
    });
    const alice = await test.issued('alice');
    test.presigning.begin();
    await test.presigning.idle();
    await assert.rejects(test.ask(alice), /the disk is gone/u);
    assert.equal(test.failures.length, 1);
    await test.revoke(alice);
    await test.pump();
    await test.presigning.settled([alice]);
    assert.equal(test.failures.length, 2);
    broken = false;
    assert.equal((await test.ask(alice)).status, 'revoked');
  });
});

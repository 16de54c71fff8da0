import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OID, parseCertificate } from '@countersign/pki';
import { certificateRequestSchema } from '@countersign/protocol';
import { anchorOf, judge, nodeCrypto, TrustState } from '@countersign/trust';
import { findAuditBreak } from '../../../src/domain/audit.ts';
import { renew } from '../../../src/domain/renewal.ts';
import { newRequest } from '../../support/keys.ts';
import { testResponder } from '../../support/ocsp.ts';
import type { TestResponder } from '../../support/ocsp.ts';

const day = 86_400_000;

function current(test: TestResponder) {
  const responder = test.responder.responders.of(test.issuer);
  assert.ok(responder, 'somebody answers');
  return responder;
}

describe("an OCSP responder's certificate", () => {
  it('is short-lived, for signing OCSP answers and nothing else, and never asked after', async () => {
    await using test = await testResponder();
    const { certificate } = current(test);
    assert.deepEqual(certificate.extendedKeyUsage, [OID.ocspSigning]);
    assert.deepEqual(certificate.keyUsage?.names, ['digitalSignature']);
    assert.equal(certificate.basicConstraints?.ca, false);
    assert.equal(certificate.ocspNoCheck, true);
    assert.equal(certificate.authorityInfoAccess, undefined);
    assert.equal(certificate.crlDistributionPoints, undefined);
    assert.ok(certificate.notAfter - test.domain.clock.now() <= 7 * day);
  });

  it('is stored and in the audit log like every other', async () => {
    await using test = await testResponder();
    const { store } = test.domain;
    const { serialHex } = current(test).certificate;
    const stored = await store.certificate(test.issuer.keyHash, serialHex);
    assert.equal(stored?.profile, 'ocsp');
    const records = await store.auditAfter(0, 100);
    const record = records.find(({ details }) => details['serial'] === serialHex);
    assert.deepEqual([record?.action, record?.actor], ['certificate.issued', { kind: 'authority' }]);
    assert.equal(await findAuditBreak(store), undefined);
  });

  it('cannot be asked for, renewed or shown by a client', async () => {
    await using test = await testResponder();
    const { csr } = await newRequest();
    assert.equal(certificateRequestSchema.safeParse({ name: 'x', profile: 'ocsp', csr }).success, false);
    const { certificate } = current(test);
    const stored = await test.domain.store.certificate(test.issuer.keyHash, certificate.serialHex);
    assert.ok(stored);
    const renewed = await renew(test.domain.context, stored, csr);
    assert.ok(!renewed.ok && renewed.code === 'renewal_refused');
    const state = new TrustState({ crypto: nodeCrypto });
    const { root, issuing } = test.cas;
    const intermediates = issuing.map((ca) => ca.certificate);
    state.setBundle({ name: 'own', anchors: [anchorOf(root.certificate)], intermediates, own: true });
    const verdict = judge(
      { presented: [certificate.der], resumed: false },
      { id: 'api', bundles: ['own'] },
      state,
      test.domain.clock.now(),
    );
    assert.ok(!verdict.ok && verdict.code === 'wrong_usage');
  });

  it('is made anew with a new key at half its life, without a moment in which nobody answers', async () => {
    await using test = await testResponder();
    const { clock } = test.domain;
    const alice = await test.issued('alice');
    let before = current(test).certificate;
    const seen = new Set([before.serialHex]);
    const start = clock.now();
    while (clock.now() < start + 60 * day) {
      clock.advance(day / 2);
      await test.responder.responders.keep();
      const { certificate } = current(test);
      if (certificate.serialHex !== before.serialHex) {
        assert.ok(clock.now() - before.notBefore >= 3.5 * day);
        assert.notDeepEqual(certificate.spki.der, before.spki.der);
        seen.add(certificate.serialHex);
        before = certificate;
      }
      assert.equal((await test.ask(alice)).status, 'good');
      const reply = await test.responder.respond(test.request([alice]));
      assert.ok(reply.kind === 'answer');
      assert.ok(reply.answer.nextUpdate <= reply.answer.tail.responder.certificate.notAfter);
    }
    assert.equal(seen.size, 18);
  });

  it('is replaced when it is revoked, and what it has signed is served no more', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    assert.equal((await test.ask(alice)).status, 'good');
    const { certificate } = current(test);
    const stored = await test.domain.store.certificate(test.issuer.keyHash, certificate.serialHex);
    assert.ok(stored);
    await test.revoke(stored);
    await test.pump();
    const key = Buffer.from(test.request([alice])).toString('latin1');
    assert.equal(test.responder.atHand(key), undefined);
    await test.responder.responders.keep();
    assert.notEqual(current(test).certificate.serialHex, certificate.serialHex);
    const after = await test.ask(alice);
    assert.ok(after.status === 'good' && after.responder.certificate.serialHex !== certificate.serialHex);
  });

  it('is there again after the clock was set far back or far ahead', async () => {
    await using test = await testResponder();
    const { clock } = test.domain;
    const start = clock.now();
    clock.set(start + 30 * day);
    assert.equal(test.responder.responders.of(test.issuer), undefined);
    await test.responder.responders.keep();
    assert.ok(current(test));
    clock.set(start + day);
    assert.equal(test.responder.responders.of(test.issuer), undefined);
    await test.responder.responders.keep();
    assert.ok(current(test).certificate.notBefore <= clock.now());
  });

  it('ends with its CA and is not made for one whose time is over', async () => {
    await using test = await testResponder();
    const { clock, store } = test.domain;
    const { notAfter } = test.issuer.certificate;
    clock.set(notAfter - day);
    await test.responder.responders.keep();
    assert.equal(current(test).certificate.notAfter, notAfter);
    const count = async () => (await store.certificatesByName('ocsp-responder', 0)).length;
    const made = await count();
    for (let hours = 0; hours < 23; hours += 6) {
      clock.advance(6 * 3_600_000 - 1);
      await test.responder.responders.keep();
    }
    assert.equal(await count(), made, 'one that would last no longer is not made again and again');
    clock.set(notAfter + 1000);
    await test.responder.responders.keep();
    assert.equal(test.responder.responders.of(test.issuer), undefined);
    assert.equal(await count(), made);
    assert.ok(parseCertificate(test.issuer.certificate.der));
  });
});

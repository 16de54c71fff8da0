import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it, test } from 'node:test';
import * as fc from 'fast-check';
import {
  assembleOcspResponse,
  buildOcspTbs,
  encodeCertId,
  parseCertificate,
  parseOcspRequest,
  parseOcspResponse,
  PkiError,
  verifyOcspResponse,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { octetsOf, textOf } from '../../../src/domain/ocsp/canonical-request.ts';
import { splitNonceRequest } from '../../../src/domain/ocsp/nonce-request.ts';
import { answerLifetimeMs } from '../../../src/domain/ocsp/sign-answers.ts';
import { testResponder } from '../../support/ocsp.ts';
import { describeOnEachStore } from '../../support/stores.ts';

describeOnEachStore('answers with a nonce that are put together', () => {
  it('are octet by octet what the encoder makes', async () => {
    await using subject = await testResponder();
    const alice = await subject.issued('alice');
    const { issuer, responder, domain } = subject;
    await responder.respond(subject.request([alice]));
    for (const length of [1, 16, 32, 90, 128]) {
      domain.clock.advance(700);
      const now = domain.clock.now();
      const nonce = randomBytes(length);
      const request = subject.request([alice], { nonce });
      const body = responder.live(textOf(request));
      assert.ok(body, `a nonce of ${length} octets`);
      const octets = octetsOf(body);
      const certificate = parseCertificate(alice.der);
      const options = { certificate, issuer: issuer.certificate, time: now, crypto: nodeCrypto, nonce };
      assert.equal(verifyOcspResponse(octets, options).status, 'good');

      const [question] = parseOcspRequest(request).questions;
      const own = responder.responders.of(issuer);
      const { basic } = parseOcspResponse(octets);
      assert.ok(question && own && basic);
      const thisUpdate = Math.floor(now / 1000) * 1000;
      const nextUpdate = thisUpdate + answerLifetimeMs;
      const answers = [{ certId: question.certId, status: { status: 'good' as const }, thisUpdate, nextUpdate }];
      const tbs = buildOcspTbs({ responderId: own.id, producedAt: thisUpdate, answers, nonce });
      const whole = assembleOcspResponse(tbs, own.signer.scheme, basic.signature, [own.certificate.der]);
      assert.deepEqual(Buffer.from(octets), Buffer.from(whole));
    }
  });

  it('are there for what was asked about before and is good; not for what was revoked or has expired', async () => {
    await using subject = await testResponder();
    const { responder, domain } = subject;
    const [alice, bob] = [await subject.issued('alice'), await subject.issued('bob')];
    const ask = (who: typeof alice): string => textOf(subject.request([who], { nonce: randomBytes(32) }));
    assert.equal(responder.live(ask(alice)), undefined, 'never asked about');
    for (const who of [alice, bob]) await responder.respond(subject.request([who]));
    assert.ok(responder.live(ask(alice)));
    await subject.revoke(alice);
    await subject.pump();
    await responder.respond(subject.request([alice]));
    assert.equal(responder.live(ask(alice)), undefined, 'revoked');
    assert.equal((await subject.ask(alice, { nonce: randomBytes(32) })).status, 'revoked');
    assert.ok(responder.live(ask(bob)), 'another');
    domain.clock.advance(bob.notAfter - domain.clock.now() + 1000);
    assert.equal(responder.live(ask(bob)), undefined, 'expired');
  });

  it('are made by whoever signs in the same turn, and by nobody else', async () => {
    for (const kind of ['ed25519', 'rsa2048'] as const) {
      await using subject = await testResponder({ kind });
      const alice = await subject.issued('alice');
      await subject.responder.respond(subject.request([alice]));
      const nonce = randomBytes(32);
      const body = subject.responder.live(textOf(subject.request([alice], { nonce })));
      assert.equal(body !== undefined, kind === 'ed25519', kind);
      assert.equal((await subject.ask(alice, { nonce })).status, 'good');
    }
  });
});

test('whatever is taken for a request with a nonce is one to the parser too, with the same parts', async () => {
  await using subject = await testResponder();
  const alice = await subject.issued('alice');
  const seeds = [
    ...[1, 32, 128].map((length) => subject.request([alice], { nonce: randomBytes(length) })),
    subject.request([alice], { nonce: randomBytes(32), digest: 'sha512' }),
    subject.request([alice]),
    subject.request([alice, alice], { nonce: randomBytes(8) }),
  ];
  assert.deepEqual(
    seeds.map((seed) => splitNonceRequest(textOf(seed)) !== undefined),
    [true, true, true, true, false, false],
  );
  // Within the CertID anything may stand: it only has to be one that was asked about before.
  const change = fc.record({ seed: fc.nat(seeds.length - 1), at: fc.nat(400), to: fc.nat(255), cut: fc.nat(3) });
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
    const octets = Buffer.from(seeds[changes[0]?.seed ?? 0] ?? []);
    for (const { at, to } of changes) octets[at % octets.length] = to;
    const request = octets.subarray(0, octets.length - (changes[0]?.cut ?? 0));
    const parts = splitNonceRequest(textOf(request));
    if (parts === undefined) return;
    try {
      const { questions, extensions, nonce, signed } = parseOcspRequest(request);
      const [question] = questions;
      assert.ok(question && nonce && questions.length === 1 && extensions.length === 1 && !signed);
      assert.equal(question.extensions.length, 0);
      assert.equal(parts.certId, textOf(encodeCertId(question.certId)));
      assert.ok(parts.nonce.endsWith(textOf(nonce)));
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
      const known = splitNonceRequest(textOf(seeds[changes[0]?.seed ?? 0] ?? new Uint8Array()));
      assert.notEqual(parts.certId, known?.certId, 'only in the CertID may it differ');
    }
  });
  fc.assert(property, { numRuns: 3000 });
});

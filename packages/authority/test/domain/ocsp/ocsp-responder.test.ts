import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { it } from 'node:test';
import {
  der,
  encodeCertId,
  ocspCertId,
  parseCertificate,
  parseOcspResponse,
  parseOcspResponseData,
  pemEncode,
} from '@countersign/pki';
import type { OcspResponseData } from '@countersign/pki';
import { runCommand, temporaryFolder, without } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';
import { bodyOf } from '../../../src/domain/ocsp/answer-cache.ts';
import type { OcspReply } from '../../../src/domain/ocsp/ocsp-responder.ts';
import { octetsOfReply, testResponder } from '../../support/ocsp.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const hour = 3_600_000;

function dataOf(reply: OcspReply): OcspResponseData {
  const { basic } = parseOcspResponse(octetsOfReply(reply));
  assert.ok(basic, 'a signed answer');
  return parseOcspResponseData(basic.tbs);
}

function errorOf(reply: OcspReply): string | undefined {
  const { status } = parseOcspResponse(octetsOfReply(reply));
  return status;
}

describeOnEachStore('the OCSP responder', () => {
  it('tells good, revoked with its reason and time, held, released; and never good of what was never issued', async () => {
    await using test = await testResponder();
    const [alice, bob] = [await test.issued('alice'), await test.issued('bob')];
    const good = await test.ask(alice);
    assert.equal(good.status, 'good');
    assert.ok(good.status === 'good' && good.responder.kind === 'delegated');

    test.domain.clock.advance(5000);
    const at = test.domain.clock.now();
    await test.revoke(alice);
    await test.pump();
    test.domain.clock.advance(5000);
    const revoked = await test.ask(alice);
    assert.ok(revoked.status === 'revoked');
    assert.deepEqual([revoked.reason, revoked.revocationTime], ['keyCompromise', at]);

    await test.revoke(bob, 'certificateHold');
    await test.pump();
    const held = await test.ask(bob);
    assert.ok(held.status === 'revoked' && held.reason === 'certificateHold');
    await test.release(bob);
    await test.pump();
    assert.equal((await test.ask(bob)).status, 'good');

    const never = ocspCertId(
      { serialNumber: Uint8Array.of(1, 2, 3), issuer: test.issuer.certificate.subject },
      test.issuer.certificate,
      'sha1',
      nodeCrypto,
    );
    const request = der.sequence(der.sequence(der.sequence(der.sequence(encodeCertId(never)))));
    const data = dataOf(await test.responder.respond(request));
    assert.deepEqual(
      data.responses.map(({ certStatus }) => certStatus.status),
      ['unknown'],
    );
  });

  it('says nothing of unspecified reasons, as RFC 5280 asks', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    await test.revoke(alice, 'unspecified');
    const result = await test.ask(alice);
    assert.ok(result.status === 'revoked');
    assert.equal(result.reason, undefined);
  });

  it('knows its issuers by SHA-1, SHA-256, SHA-384 and SHA-512', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    for (const digest of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
      assert.equal((await test.ask(alice, { digest })).status, 'good', digest);
      const reply = await test.responder.respond(test.request([alice], { digest }));
      assert.equal(reply.kind, 'answer', digest);
    }
  });

  it('signs once for everybody, and again for who brings a nonce, which comes back', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    const [first, second] = await Promise.all([1, 2].map(() => test.responder.respond(test.request([alice]))));
    assert.ok(first?.kind === 'answer' && second?.kind === 'answer');
    assert.equal(first.answer, second.answer);
    const atHand = test.responder.atHand(Buffer.from(test.request([alice])).toString('latin1'));
    assert.equal(atHand, first.answer);
    for (const octets of [1, 32, 128]) {
      const nonce = randomBytes(octets);
      assert.equal((await test.ask(alice, { nonce })).status, 'good', String(octets));
      const reply = await test.responder.respond(test.request([alice], { nonce }));
      assert.equal(reply.kind, 'live');
      assert.deepEqual(Buffer.from(dataOf(reply).nonce ?? []), nonce);
    }
  });

  it('answers for a hundred certificates at once, each with its own status, and for no more', async () => {
    await using test = await testResponder();
    const [alice, bob] = [await test.issued('alice'), await test.issued('bob')];
    await test.revoke(bob);
    const data = dataOf(await test.responder.respond(test.request([alice, bob])));
    assert.deepEqual(
      data.responses.map(({ certStatus }) => certStatus.status),
      ['good', 'revoked'],
    );
    const many = Array.from({ length: 100 }, () => alice);
    assert.equal(dataOf(await test.responder.respond(test.request(many))).responses.length, 100);
    assert.equal(errorOf(await test.responder.respond(test.request([...many, bob]))), 'malformedRequest');
  });

  it('is unauthorized to speak for the root, for CAs of others and for two CAs at once', async () => {
    await using test = await testResponder();
    await using other = await testResponder();
    const [alice, eve] = [await test.issued('alice'), await other.issued('eve')];
    assert.equal(errorOf(await test.responder.respond(other.request([eve]))), 'unauthorized');
    const { root } = test.cas;
    const issuing = ocspCertId(test.issuer.certificate, root.certificate, 'sha1', nodeCrypto);
    const question = (id: typeof issuing): Uint8Array => der.sequence(encodeCertId(id));
    const request = (...questions: Uint8Array[]): Uint8Array => der.sequence(der.sequence(der.sequence(...questions)));
    assert.equal(errorOf(await test.responder.respond(request(question(issuing)))), 'unauthorized');
    const own = ocspCertId(parseCertificate(alice.der), test.issuer.certificate, 'sha1', nodeCrypto);
    assert.equal(errorOf(await test.responder.respond(request(question(own), question(issuing)))), 'unauthorized');
    assert.equal(errorOf(await test.responder.respond(request(question(own)))), 'successful');
  });

  it('takes no serial number for another that only resembles it', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    const certificate = parseCertificate(alice.der);
    const own = ocspCertId(certificate, test.issuer.certificate, 'sha1', nodeCrypto);
    const resembling = [
      Uint8Array.of(0, 0, ...own.serialNumber),
      Uint8Array.of(0xff, ...own.serialNumber),
      own.serialNumber.subarray(1),
      new Uint8Array(),
    ];
    for (const serialNumber of resembling) {
      const id = { ...own, serialNumber };
      const reply = await test.responder.respond(
        der.sequence(der.sequence(der.sequence(der.sequence(encodeCertId(id))))),
      );
      assert.equal(dataOf(reply).responses[0]?.certStatus.status, 'unknown', Buffer.from(serialNumber).toString('hex'));
    }
  });

  it('still answers for an expired certificate, and says since when it knows', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice', { lifetimeSeconds: 3600 });
    await test.revoke(alice);
    test.domain.clock.advance(2 * hour);
    const [single] = dataOf(await test.responder.respond(test.request([alice]))).responses;
    assert.equal(single?.certStatus.status, 'revoked');
    const cutoff = single.extensions.find(({ oid }) => oid === '1.3.6.1.5.5.7.48.1.6');
    assert.deepEqual(cutoff?.value, der.generalizedTime(test.issuer.certificate.notBefore));
  });

  it('serves no answer from the future and none past its nextUpdate, whichever way the clock jumps', async () => {
    await using test = await testResponder();
    const { clock } = test.domain;
    const alice = await test.issued('alice');
    const request = Buffer.from(test.request([alice])).toString('latin1');
    assert.equal((await test.ask(alice)).status, 'good');
    const first = test.responder.atHand(request);
    assert.ok(first);
    clock.set(first.nextUpdate - 1);
    assert.equal(test.responder.atHand(request), first);
    clock.set(first.nextUpdate);
    assert.equal(test.responder.atHand(request), undefined);
    assert.equal((await test.ask(alice)).status, 'good');
    const second = test.responder.atHand(request);
    assert.equal(second?.thisUpdate, first.nextUpdate);
    clock.set(first.thisUpdate);
    assert.equal(test.responder.atHand(request), undefined);
    assert.equal((await test.ask(alice)).status, 'good');
    assert.equal(test.responder.atHand(request)?.thisUpdate, first.thisUpdate);
  });

  it('never says good once the feed has told of a revocation, also where the answer was being made meanwhile', async () => {
    const { promise: asked, resolve: askedNow } = Promise.withResolvers<void>();
    const { promise: goOn, resolve: letGoOn } = Promise.withResolvers<void>();
    let hold = true;
    await using test = await testResponder({
      store: (store) => ({
        ...store,
        certificateState: async (...of) => {
          const state = await store.certificateState(...of);
          if (!hold) return state;
          hold = false;
          // What was read is old by the time it is used.
          askedNow();
          await goOn;
          return state;
        },
      }),
    });
    const alice = await test.issued('alice');
    const answering = test.ask(alice);
    await asked;
    await test.revoke(alice);
    await test.pump();
    letGoOn();
    assert.equal((await answering).status, 'revoked');
    assert.equal((await test.ask(alice)).status, 'revoked');
    assert.equal((await test.ask(alice, { nonce: randomBytes(32) })).status, 'revoked');
  });

  it('tells everybody to try later when too many ask at once, and answers again when they are gone', async () => {
    const { promise: goOn, resolve: letGoOn } = Promise.withResolvers<void>();
    await using test = await testResponder({
      store: (store) => ({
        ...store,
        certificateState: async (...of) => {
          await goOn;
          return store.certificateState(...of);
        },
      }),
    });
    const alice = await test.issued('alice');
    const hundred = test.request(Array.from({ length: 100 }, () => alice));
    const waiting = Array.from({ length: 5 }, () => test.responder.respond(hundred));
    assert.equal(errorOf(await test.responder.respond(hundred)), 'tryLater');
    letGoOn();
    for (const reply of await Promise.all(waiting)) assert.equal(errorOf(reply), 'successful');
    assert.equal(errorOf(await test.responder.respond(hundred)), 'successful');
    assert.deepEqual(
      test.responder.counts().find(({ status }) => status === 'tryLater'),
      { status: 'tryLater', source: 'error', count: 1 },
    );
  });

  it('keeps what it signs within its bounds', async () => {
    await using test = await testResponder({ cacheBytes: 10_000 });
    for (let i = 0; i < 30; i++) {
      const one = await test.issued(`c${i}`);
      for (const digest of ['sha1', 'sha512'] as const) assert.equal((await test.ask(one, { digest })).status, 'good');
      assert.ok(test.responder.cache.bytes <= 10_000);
    }
    assert.ok(test.responder.cache.size > 4);
  });

  it('counts what it says, by status and source', async () => {
    await using test = await testResponder();
    const alice = await test.issued('alice');
    await test.ask(alice);
    await test.ask(alice);
    await test.ask(alice, { nonce: randomBytes(8) });
    await test.responder.respond(Uint8Array.of(1));
    const counts = test.responder.counts().map(({ status, source, count }) => [status, source, count]);
    assert.deepEqual(counts, [
      ['good', 'live', 2],
      ['good', 'cached', 1],
      ['malformedRequest', 'error', 1],
    ]);
  });
});

for (const kind of ['p256', 'p384', 'ed25519', 'rsa2048', 'rsa-pss2048', 'ml-dsa-44', 'ml-dsa-65'] as const) {
  it(`answers for an issuing CA with a key of kind ${kind}, by a key of the same kind`, async () => {
    await using test = await testResponder({ kind });
    const alice = await test.issued('alice');
    assert.equal((await test.ask(alice)).status, 'good');
    const nonce = randomBytes(32);
    const good = await test.ask(alice, { nonce });
    assert.ok(good.status === 'good');
    const { spki, signatureAlgorithm } = good.responder.certificate;
    assert.equal(spki.algorithm.oid, test.issuer.certificate.spki.algorithm.oid);
    assert.deepEqual(signatureAlgorithm.der, parseCertificate(alice.der).signatureAlgorithm.der);
    await test.revoke(alice);
    await test.pump();
    assert.equal((await test.ask(alice)).status, 'revoked');
    const reply = await test.responder.respond(test.request([alice]));
    assert.ok(reply.kind === 'answer');
    assert.ok(bodyOf(reply.answer).length < 20_000);
  });
}

// OpenSSL 3.0 knows no ML-DSA.
for (const kind of ['p384', 'ed25519', 'rsa2048', 'rsa-pss2048'] as const) {
  it(`answers by a key of kind ${kind} what openssl verifies`, { skip: without('openssl') }, async () => {
    await using test = await testResponder({ kind });
    using folder = temporaryFolder('countersign-ocsp-');
    test.domain.clock.set(Date.now());
    await test.responder.responders.keep();
    const alice = await test.issued('alice');
    const write = (name: string, content: string | Uint8Array): string => {
      writeFileSync(folder.in(name), content);
      return folder.in(name);
    };
    const issuer = write('issuer.crt', test.issuer.pem);
    const root = write('root.crt', test.cas.root.pem);
    const cert = write('alice.crt', pemEncode('CERTIFICATE', alice.der));
    const answer = write('answer.der', octetsOfReply(await test.responder.respond(test.request([alice]))));
    const args = [
      '-CAfile',
      root,
      '-verify_other',
      issuer,
      '-issuer',
      issuer,
      '-cert',
      cert,
      '-no_nonce',
      '-respin',
      answer,
    ];
    const { stdout, stderr } = await runCommand('openssl', ['ocsp', ...args]);
    assert.match(stdout, /alice\.crt: good/u, stderr);
    assert.match(stderr, /Response verify OK/u);
  });
}

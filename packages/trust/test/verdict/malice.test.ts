import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { buildName } from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import { createRoot } from '@countersign/testkit';
import * as fc from 'fast-check';

import { judge, keyHash, TrustState } from '../../src/index.ts';
import { bundle, codeOf, demo, issuing, News, now, policy, root, show, stateWith } from './fixture.ts';

describe('a malicious peer', () => {
  test('is never accepted with an octet of the leaf changed', () => {
    const state = stateWith([root], [issuing]);
    fc.assert(
      fc.property(fc.nat(demo.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = demo.der.with(at, (demo.der[at] ?? 0) ^ change);
        assert.equal(show(state, [changed, issuing.der]).ok, false);
      }),
      { numRuns: 400 },
    );
  });

  test('is never accepted with an octet of an intermediate changed', () => {
    const state = stateWith();
    fc.assert(
      fc.property(fc.nat(issuing.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = issuing.der.with(at, (issuing.der[at] ?? 0) ^ change);
        assert.equal(show(state, [demo.der, changed]).ok, false);
      }),
      { numRuns: 200 },
    );
    assert.equal(state.intermediates.size, 0);
  });

  test('learns nothing by noise', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), (presented) => {
        assert.equal(show(stateWith(), presented).ok, false);
      }),
    );
  });

  test('gets no further with ten thousand names, a huge certificate or a hundred of them', async () => {
    const sans: GeneralName[] = Array.from({ length: 2500 }, (_, n) => ({ type: 'dns', value: `n${n}.example` }));
    const many = await root.issue('many', { sans });
    assert.equal(codeOf(show(stateWith(), many.chain)), 'accepted', 'names alone are no crime');
    const picky = await createRoot('Picky', {
      now,
      permitted: Array.from({ length: 2000 }, (_, n): GeneralName => ({ type: 'dns', value: `m${n}.example` })),
    });
    const blowUp = await picky.issue('many', { sans });
    assert.equal(codeOf(show(stateWith([picky]), blowUp.chain)), 'name_not_permitted');
    const huge = await root.issue('huge', {
      extensions: [{ oid: '1.3.6.1.4.1.59988.97', critical: false, value: new Uint8Array(60_000) }],
    });
    assert.equal(
      codeOf(
        show(
          stateWith(),
          Array.from({ length: 5 }, () => huge.der),
        ),
      ),
      'malformed_certificate',
    );
    const crowd = Array.from({ length: 100 }, () => demo.der);
    assert.equal(codeOf(show(stateWith(), crowd)), 'malformed_certificate');
  });

  test('cannot spend our time with a maze of cross-certificates', async () => {
    const names = ['A', 'B', 'C', 'D'];
    const cas = await Promise.all(names.map((name) => createRoot(name, { now })));
    const maze = (
      await Promise.all(
        cas.map((ca) => Promise.all(cas.map((other, n) => ca.issueCa(names[n] ?? '', { key: other.key })))),
      )
    ).flat();
    const leaf = await cas[0]?.issue('lost');
    assert.ok(leaf !== undefined);
    let verified = 0;
    const { crypto } = new TrustState();
    const state = new TrustState({
      crypto: {
        digest: (...parameters) => crypto.digest(...parameters),
        verify: (...parameters) => {
          verified += 1;
          return crypto.verify(...parameters);
        },
      },
    });
    state.setBundle(bundle([root]));
    assert.equal(codeOf(show(state, [leaf.der, ...maze.map((ca) => ca.der)])), 'untrusted_issuer');
    assert.ok(verified <= 256, `${verified} signatures`);
  });

  test('is revoked whatever the form of his serial number', async () => {
    for (const serial of ['01', '7f', '80', 'ff', '0100', 'ff'.repeat(19)]) {
      const news = new News();
      const state = stateWith([root], [issuing], news);
      const client = await issuing.issue('client', { serial });
      assert.equal(codeOf(show(state, client.chain)), 'accepted');
      const key = { issuerKeyHash: keyHash(issuing.certificate.spki), reason: 'unspecified', revokedAt: now } as const;
      news.index.set({ ...key, serialHex: `00${serial}` });
      assert.equal(codeOf(show(state, client.chain)), 'revoked');
    }
  });

  test('cannot pass a path of one CA for one of another with the same name', async () => {
    const imposterIssuing = await (await createRoot('Root', { now })).issueCa('Issuing');
    const forged = await imposterIssuing.issue('admin', { profile: 'admin' });
    const state = stateWith([root], [issuing]);
    for (const chain of [forged.chain, [forged.der], [forged.der, issuing.der], [forged.der, root.der]]) {
      assert.equal(codeOf(show(state, chain)), 'untrusted_issuer');
    }
  });

  test('does not become a CA by being a leaf of one', async () => {
    const leaf = await issuing.issue('mallory', { keyUsage: ['digitalSignature', 'keyCertSign'] });
    const name = buildName([{ type: 'CN', value: 'mallory' }]);
    const forger = await createRoot('mallory', { now, key: leaf.key, subject: name });
    const victim = await forger.issue('victim');
    const state = stateWith();
    assert.notEqual(codeOf(show(state, [victim.der, leaf.der, issuing.der])), 'accepted');
  });

  test('resumes nothing that a full handshake would not get', async () => {
    const state = stateWith();
    assert.equal(codeOf(show(state, demo.chain)), 'accepted');
    const resume = (): string => codeOf(judge({ presented: [demo.der], resumed: true }, policy, state, now));
    assert.equal(resume(), 'accepted', 'its intermediate is known now');
    const strict = { ...policy, id: 'strict', bundles: ['strict'] };
    state.setBundle(bundle([await createRoot('Strict', { now })], [], 'strict'));
    const elsewhere = judge({ presented: [demo.der], resumed: true }, strict, state, now);
    assert.equal(codeOf(elsewhere), 'untrusted_issuer', 'a ticket of one policy is judged by the other');
    const news = new News();
    state.setBundle(bundle([root]), news);
    assert.equal(resume(), 'accepted');
    news.revoke(issuing);
    assert.equal(resume(), 'revoked', 'a revoked intermediate counts on resumption too');
    state.removeBundle('own');
    assert.notEqual(resume(), 'accepted');
  });
});

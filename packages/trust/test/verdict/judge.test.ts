import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { buildName, OID } from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import { createRoot } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

import { judge, keyHash, TrustState } from '../../src/index.ts';
import type { VerdictPolicy } from '../../src/index.ts';
import { bundle, codeOf, DAY, demo, issuing, News, now, policy, root, show, stateWith } from './fixture.ts';

async function codeFor(certificate: Promise<TestCertificate>, anchors: readonly TestCa[] = [root]): Promise<string> {
  return codeOf(show(stateWith(anchors), (await certificate).chain));
}

describe('the verdict', () => {
  test('accepts a client of the CA and says who it is', () => {
    const verdict = show(stateWith(), demo.chain);
    assert.ok(verdict.ok);
    const { identity } = verdict;
    assert.equal(identity.name, 'demo');
    assert.equal(identity.subject, 'CN=demo');
    assert.equal(identity.issuer, 'CN=Issuing');
    assert.equal(identity.profile, 'client');
    assert.deepEqual(identity.sans, [{ type: 'dns', value: 'demo.example' }]);
    assert.deepEqual(identity.chainDer, [demo.der, issuing.der]);
    assert.equal(identity.issuerKeyHash, keyHash(issuing.certificate.spki));
    assert.equal(verdict.expiresAt, demo.certificate.notAfter);
    assert.deepEqual(
      verdict.path.map((entry) => [entry.issuerKeyHash, entry.serialHex]),
      [
        [keyHash(issuing.certificate.spki), demo.certificate.serialHex],
        [keyHash(root.certificate.spki), issuing.certificate.serialHex],
      ],
    );
  });

  test('lasts no longer than the first certificate of the path to end, the root included', async () => {
    const shortRoot = await createRoot('Short', { now, notAfter: now + DAY });
    const leaf = await shortRoot.issue('leaf', { notAfter: now + 2 * DAY });
    const verdict = show(stateWith([shortRoot]), leaf.chain);
    assert.equal(verdict.ok && verdict.expiresAt, shortRoot.certificate.notAfter);
    assert.equal(codeOf(show(stateWith([shortRoot]), leaf.chain, now + DAY + 1)), 'expired');
  });

  test('refuses each fault with its own code', async () => {
    const other = await createRoot('Other', { now });
    const imposter = await createRoot('Root', { now });
    const constrained = await root.issueCa('Constrained', { permitted: [{ type: 'dns', value: 'good.example' }] });
    const badName: GeneralName = { type: 'dns', value: 'bad.example' };
    const expiredCa = await root.issueCa('Expired', { notBefore: now - 9 * DAY, notAfter: now - DAY });
    assert.equal(codeOf(show(stateWith(), [])), 'no_certificate');
    assert.equal(codeOf(show(stateWith(), [demo.der.subarray(0, 200)])), 'malformed_certificate');
    assert.equal(codeOf(show(stateWith(), [new Uint8Array()])), 'malformed_certificate');
    assert.equal(await codeFor(other.issue('x')), 'untrusted_issuer');
    assert.equal(await codeFor(imposter.issue('x')), 'untrusted_issuer');
    assert.equal(await codeFor(root.issue('x', { forgedBy: other.key.privateKey })), 'untrusted_issuer');
    assert.equal(await codeFor(root.issue('x', { key: 'rsa1024' })), 'weak_key');
    assert.equal(await codeFor(root.issue('x', { sha1: true })), 'weak_key');
    assert.equal(await codeFor(root.issue('x', { notBefore: now + DAY })), 'not_yet_valid');
    assert.equal(await codeFor(root.issue('x', { notAfter: now - 1000 })), 'expired');
    assert.equal(await codeFor(expiredCa.issue('x')), 'expired');
    assert.equal(await codeFor(root.issue('x', { usages: [OID.serverAuth] })), 'wrong_usage');
    assert.equal(await codeFor(root.issue('x', { keyUsage: ['keyEncipherment'] })), 'wrong_usage');
    assert.equal(await codeFor(constrained.issue('x', { sans: [badName] })), 'name_not_permitted');
    assert.equal(await codeFor((await issuing.issueCa('Too deep')).issue('x')), 'constraint_violated');
    const unknown = { oid: '1.3.6.1.4.1.59988.99', critical: true, value: Uint8Array.of(5, 0) };
    assert.equal(await codeFor(root.issue('x', { extensions: [unknown] })), 'constraint_violated');
    const leafAsCa = await root.issue('leaf');
    const below = await root.issue('x', { subject: buildName([{ type: 'CN', value: 'below' }]) });
    assert.equal(
      codeOf(show(stateWith(), [below.der, leafAsCa.der])),
      'accepted',
      'a stranger in the chain does no harm',
    );
  });

  test('tells the first code of the contract’s order when several hold', async () => {
    const other = await createRoot('Other', { now });
    const worst = { key: 'rsa1024', notAfter: now - 1000, usages: [OID.serverAuth] } as const;
    assert.equal(await codeFor(other.issue('x', worst)), 'untrusted_issuer');
    assert.equal(await codeFor(root.issue('x', { ...worst, forgedBy: other.key.privateKey })), 'untrusted_issuer');
    assert.equal(await codeFor(root.issue('x', worst)), 'weak_key');
    assert.equal(await codeFor(root.issue('x', { ...worst, key: 'p256' })), 'expired');
    const news = new News();
    const expired = await root.issue('x', { notAfter: now - 1000 });
    news.revoke(expired);
    assert.equal(codeOf(show(stateWith([root], [], news), expired.chain)), 'expired');
    news.revoke(demo);
    news.covered = { kind: 'missing' };
    const closed = { ...policy, allow: () => false };
    assert.equal(codeOf(show(stateWith([root], [], news), demo.chain, now, closed)), 'revoked');
  });

  test('passes a certificate without extendedKeyUsage, or with any of them', async () => {
    assert.equal(await codeFor(root.issue('x', { usages: null })), 'accepted');
    assert.equal(await codeFor(root.issue('x', { usages: [OID.anyExtendedKeyUsage] })), 'accepted');
    assert.equal(await codeFor(root.issue('x', { keyUsage: null })), 'accepted');
  });

  test('takes the identity from the leaf that was proven, never from what is stuffed behind it', async () => {
    const admin = await root.issue('admin', { profile: 'admin' });
    const verdict = show(stateWith(), [demo.der, admin.der, issuing.der]);
    assert.ok(verdict.ok);
    assert.equal(verdict.identity.name, 'demo');
    assert.deepEqual(verdict.identity.chainDer, [demo.der, issuing.der]);
  });

  test('has no name for a subject with two common names or with a control character', async () => {
    const two = buildName([
      { type: 'CN', value: 'admin' },
      { type: 'CN', value: 'demo' },
    ]);
    const nul = buildName([{ type: 'CN', value: 'admin\0.evil' }]);
    for (const subject of [two, nul]) {
      const verdict = show(stateWith(), (await root.issue('x', { subject })).chain);
      assert.ok(verdict.ok);
      assert.equal(verdict.identity.name, undefined);
    }
  });

  test('believes the profile only of our own CA', async () => {
    const partner = await createRoot('Partner', { now });
    const state = new TrustState();
    state.setBundle({ ...bundle([partner]), name: 'partner', own: false });
    state.setBundle({ ...bundle([root]), name: 'mixed', own: false });
    const forged = (await partner.issue('x', { profile: 'admin' })).chain;
    const both = { ...policy, bundles: ['partner', 'mixed'] };
    const verdict = show(state, forged, now, both);
    assert.ok(verdict.ok);
    assert.equal(verdict.identity.profile, undefined);
    state.setBundle(bundle([root]));
    const own = show(state, demo.chain, now, both);
    assert.equal(own.ok && own.identity.profile, 'client', 'our own CA is ours in every bundle');
  });

  test('refuses who is on no rule, and treats a rule that throws as no', () => {
    const state = stateWith();
    const allow = (name: string): VerdictPolicy => ({ ...policy, allow: (identity) => identity.name === name });
    assert.equal(codeOf(show(state, demo.chain, now, allow('demo'))), 'accepted');
    assert.equal(codeOf(show(state, demo.chain, now, allow('other'))), 'not_allowed');
    const broken: VerdictPolicy = {
      ...policy,
      allow: () => {
        throw new Error('rule');
      },
    };
    assert.equal(codeOf(show(state, demo.chain, now, broken)), 'not_allowed');
  });

  test('never throws, whatever is presented', () => {
    const state = stateWith();
    for (const presented of [
      [Uint8Array.of(0x30)],
      [new Uint8Array(300_000)],
      Array.from({ length: 100 }, () => demo.der),
      [demo.der, new Uint8Array(3)],
    ]) {
      assert.equal(show(state, presented).ok, false);
    }
  });

  test('says that it is starting while a bundle of the policy was never loaded', async () => {
    const other = await createRoot('Other', { now });
    const state = new TrustState();
    assert.equal(codeOf(show(state, demo.chain)), 'starting');
    state.setBundle(bundle([other], [], 'other'));
    assert.equal(codeOf(show(state, demo.chain, now, { ...policy, bundles: ['other', 'own'] })), 'starting');
    assert.equal(codeOf(show(state, [])), 'no_certificate');
  });
});

describe('paths', () => {
  test('finds the way over a cross-certificate when the shorter one is expired', async () => {
    const oldRoot = await createRoot('Old', { now });
    const expired = await oldRoot.issueCa('Both', { notBefore: now - 9 * DAY, notAfter: now - DAY });
    const crossed = await root.issueCa('Both', { key: expired.key });
    const leaf = await expired.issue('leaf');
    const verdict = show(stateWith([oldRoot, root]), [leaf.der, expired.der, crossed.der]);
    assert.ok(verdict.ok);
    assert.deepEqual(verdict.identity.chainDer, [leaf.der, crossed.der]);
  });

  test('finds the way around a revoked intermediate', async () => {
    const news = new News();
    const other = await createRoot('Other', { now });
    const first = await root.issueCa('Both');
    const second = await other.issueCa('Both', { key: first.key });
    const leaf = await first.issue('leaf');
    const state = stateWith([root, other], [first, second], news);
    assert.equal(codeOf(show(state, [leaf.der])), 'accepted');
    news.revoke(first);
    const verdict = show(state, [leaf.der]);
    assert.ok(verdict.ok);
    assert.deepEqual(verdict.identity.chainDer, [leaf.der, second.der]);
    news.revoke(second);
    assert.equal(codeOf(show(state, [leaf.der])), 'revoked');
  });

  test('judges a leaf alone by the intermediates that are known', async () => {
    const learned: Uint8Array[] = [];
    const state = new TrustState({ onIntermediate: (der) => learned.push(der) });
    state.setBundle(bundle([root]));
    assert.equal(codeOf(show(state, [demo.der])), 'untrusted_issuer');
    assert.equal(codeOf(show(state, demo.chain)), 'accepted');
    assert.equal(codeOf(show(state, [demo.der])), 'accepted');
    assert.deepEqual(learned, [issuing.der], 'told once');
    const worker = stateWith();
    for (const der of learned) worker.learn(der);
    assert.equal(codeOf(show(worker, [demo.der])), 'accepted');
    assert.equal(codeOf(show(stateWith([root], [issuing]), [demo.der])), 'accepted');
  });

  test('remembers no intermediate of a path that was refused', async () => {
    const learned: Uint8Array[] = [];
    const other = await createRoot('Other', { now });
    const ca = await other.issueCa('Sub');
    const state = new TrustState({ onIntermediate: (der) => learned.push(der) });
    state.setBundle(bundle([root]));
    assert.equal(codeOf(show(state, (await ca.issue('x')).chain)), 'untrusted_issuer');
    assert.equal(state.intermediates.size, 0);
    assert.deepEqual(learned, []);
  });

  test('says when a resumed session lacks nothing but its intermediates', async () => {
    const state = stateWith();
    const resumed = judge({ presented: [demo.der], resumed: true }, policy, state, now);
    assert.equal(!resumed.ok && resumed.incomplete, true);
    const full = show(state, [demo.der]);
    assert.equal(!full.ok && full.incomplete, undefined);
  });
});

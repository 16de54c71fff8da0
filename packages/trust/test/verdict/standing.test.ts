import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { createRoot } from '@countersign/testkit';

import { TrustState } from '../../src/index.ts';
import type { Coverage, Staleness, VerdictPolicy } from '../../src/index.ts';
import { bundle, codeOf, DAY, demo, issuing, News, now, policy, root, show, stateWith } from './fixture.ts';

describe('revocation', () => {
  test('bites at any certificate of the path, also on a verdict that is cached', () => {
    for (const revoked of [demo, issuing]) {
      const news = new News();
      const state = stateWith([root], [], news);
      const before = show(state, demo.chain);
      assert.ok(before.ok);
      news.revoke(revoked);
      assert.equal(codeOf(show(state, demo.chain)), 'revoked');
      assert.equal(state.standing(before, now)?.code, 'revoked');
    }
  });

  test('is believed of every source, whichever bundle the path ends in', () => {
    const news = new News();
    const state = new TrustState();
    state.setBundle(bundle([root], [], 'mixed'));
    state.setBundle(bundle([root]), news);
    news.revoke(demo);
    assert.equal(codeOf(show(state, demo.chain, now, { ...policy, bundles: ['mixed'] })), 'revoked');
  });

  const cases: { title: string; mode: Staleness['mode']; covered: Coverage; code: string; soft?: true }[] = [
    { title: 'fresh news, hard', mode: 'hard', covered: { kind: 'loaded', freshUntil: now - DAY }, code: 'accepted' },
    {
      title: 'old news, hard',
      mode: 'hard',
      covered: { kind: 'loaded', freshUntil: now - DAY - 1 },
      code: 'revocation_stale',
    },
    { title: 'never loaded, hard', mode: 'hard', covered: { kind: 'missing' }, code: 'revocation_stale' },
    { title: 'no source for the CA, hard', mode: 'hard', covered: { kind: 'none' }, code: 'revocation_unknown' },
    {
      title: 'old news, soft',
      mode: 'soft',
      covered: { kind: 'loaded', freshUntil: now - DAY - 1 },
      code: 'accepted',
      soft: true,
    },
    { title: 'never loaded, soft', mode: 'soft', covered: { kind: 'missing' }, code: 'accepted', soft: true },
    { title: 'never loaded, off', mode: 'off', covered: { kind: 'missing' }, code: 'accepted' },
  ];
  for (const { title, mode, covered, code, soft } of cases) {
    test(`${title}: ${code}`, () => {
      const passes: string[] = [];
      const news = new News();
      news.staleness = { mode, maxStale: DAY };
      news.covered = covered;
      const state = new TrustState({ onSoft: (source, fault) => passes.push(`${source.name} ${fault.code}`) });
      state.setBundle(bundle([root]), news);
      assert.equal(codeOf(show(state, demo.chain)), code);
      assert.equal(passes.length > 0, soft === true);
    });
  }

  test('ends what was accepted when the news has become too old', () => {
    const news = new News();
    const state = stateWith([root], [], news);
    const verdict = show(state, demo.chain);
    assert.ok(verdict.ok);
    assert.equal(state.standing(verdict, now + DAY), undefined);
    assert.equal(state.standing(verdict, now + DAY + 1)?.code, 'revocation_stale');
  });

  test('tells not_allowed before revocation_stale', () => {
    const news = new News();
    news.covered = { kind: 'missing' };
    const closed = { ...policy, allow: () => false };
    assert.equal(codeOf(show(stateWith([root], [], news), demo.chain, now, closed)), 'not_allowed');
  });
});

describe('generations', () => {
  test('a changed bundle falls on cached verdicts and on live ones', async () => {
    const state = stateWith();
    state.setPolicies([policy]);
    const verdict = show(state, demo.chain);
    assert.ok(verdict.ok);
    assert.equal(verdict.generation, state.generation);
    state.setBundle(bundle([await createRoot('New', { now })]));
    assert.notEqual(verdict.generation, state.generation);
    assert.equal(codeOf(show(state, demo.chain)), 'untrusted_issuer');
    assert.equal(codeOf(state.judge(verdict, 'p', now)), 'untrusted_issuer');
    assert.equal(codeOf(state.judge(verdict, 'gone', now)), 'not_allowed');
  });

  test('asks the rule anew each time', () => {
    const state = stateWith();
    const allowed = new Set(['demo']);
    const under: VerdictPolicy = { ...policy, allow: (identity) => allowed.has(identity.name ?? '') };
    assert.equal(codeOf(show(state, demo.chain, now, under)), 'accepted');
    allowed.clear();
    assert.equal(codeOf(show(state, demo.chain, now, under)), 'not_allowed');
  });

  test('checks the time anew on what is cached', () => {
    const state = stateWith();
    const end = demo.certificate.notAfter;
    assert.equal(codeOf(show(state, demo.chain, end)), 'accepted');
    assert.equal(codeOf(show(state, demo.chain, end + 1)), 'expired');
    assert.equal(codeOf(show(state, demo.chain, now - 400 * DAY)), 'not_yet_valid');
  });

  test('verifies no signature for what is cached', () => {
    let verified = 0;
    const counting = stateWith();
    const state = new TrustState({
      crypto: {
        ...counting.crypto,
        verify: (...parameters) => {
          verified += 1;
          return counting.crypto.verify(...parameters);
        },
      },
    });
    state.setBundle(bundle([root]));
    show(state, demo.chain);
    const once = verified;
    show(state, demo.chain);
    assert.equal(verified, once);
    assert.ok(once >= 2);
  });
});

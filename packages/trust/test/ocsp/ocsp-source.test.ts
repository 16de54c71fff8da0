import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { authorityInfoAccess, OID } from '@countersign/pki';
import { createRoot, TEST_TIME } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';

import {
  anchorOf,
  CombinedSource,
  CrlSet,
  judge,
  keyHash,
  nodeCrypto,
  OcspAnswers,
  OcspSource,
  TrustState,
} from '../../src/index.ts';
import type { OcspAnswer, RevocationSource, Staleness, Verdict } from '../../src/index.ts';

const now = TEST_TIME;
const HOUR = 3_600_000;
const policy = { id: 'p', bundles: ['partners'] };
const aia = [authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: 'http://ocsp.test/' } }])];

const root = await createRoot('Root', { now });
const issuing = await root.issueCa('Issuing', { extensions: aia });
const client = await issuing.issue('client', { extensions: aia });
const silent = await issuing.issue('names no responder');

function sourceWith(
  staleness: Staleness = { mode: 'hard', maxStale: 'nextUpdate' },
  hasResponders = false,
): OcspSource {
  return new OcspSource({ name: 'partners', answers: new OcspAnswers({ maxCount: 100 }), staleness, hasResponders });
}

function tell(
  source: OcspSource,
  who: TestCertificate,
  status: OcspAnswer['status'],
  more: Partial<OcspAnswer> = {},
): void {
  source.answers.put({
    issuerKeyHash: keyHash(who.issuer?.certificate.spki ?? root.certificate.spki),
    serialHex: who.certificate.serialHex,
    status,
    reason: status === 'revoked' ? 'keyCompromise' : undefined,
    revokedAt: status === 'revoked' ? now - HOUR : undefined,
    thisUpdate: now,
    producedAt: now,
    freshUntil: now + HOUR,
    refreshAt: now + HOUR / 2,
    notAfter: who.certificate.notAfter,
    ...more,
  });
}

function stateWith(source: RevocationSource): TrustState {
  const state = new TrustState();
  state.setBundle({ name: 'partners', anchors: [anchorOf(root.certificate)], intermediates: [] }, source);
  return state;
}

function show(source: RevocationSource, who = client, at = now): { verdict: Verdict; code: string; wanted: number[] } {
  const state = stateWith(source);
  const verdict = judge({ presented: who.chain, resumed: false }, policy, state, at);
  const candidate = verdict.ok ? verdict : verdict.pending;
  return {
    verdict,
    code: verdict.ok ? 'accepted' : verdict.code,
    wanted: candidate === undefined ? [] : state.wanted(candidate, at),
  };
}

describe('answers of OCSP responders as the source of a bundle', () => {
  test('cover the whole chain; what is missing is told, to be asked for', () => {
    const source = sourceWith();
    assert.deepEqual([show(source).code, show(source).wanted], ['revocation_stale', [0, 1]]);
    tell(source, client, 'good');
    assert.deepEqual([show(source).code, show(source).wanted], ['revocation_stale', [1]]);
    tell(source, issuing, 'good');
    assert.deepEqual([show(source).code, show(source).wanted], ['accepted', []]);
    tell(source, issuing, 'revoked');
    assert.deepEqual([show(source).code, show(source).wanted], ['revoked', []]);
  });

  test('T36: unknown is not good, and is asked for again later', () => {
    const source = sourceWith();
    tell(source, issuing, 'good');
    tell(source, client, 'unknown', { refreshAt: now + 1000, freshUntil: now + 1000 });
    assert.deepEqual([show(source).code, show(source).wanted], ['revocation_unknown', []]);
    assert.deepEqual(show(source, client, now + 1000).wanted, [0]);
    const { verdict } = show(source);
    assert.match(verdict.ok ? '' : verdict.detail, /does not know this certificate/u);
  });

  test('a certificate that names no responder is unknown, unless the configuration has one', () => {
    const source = sourceWith();
    tell(source, issuing, 'good');
    assert.deepEqual([show(source, silent).code, show(source, silent).wanted], ['revocation_unknown', []]);
    const configured = sourceWith(undefined, true);
    tell(configured, issuing, 'good');
    assert.deepEqual([show(configured, silent).code, show(configured, silent).wanted], ['revocation_stale', [0]]);
  });

  test('hold until their end and as much longer as is configured; a revocation holds for ever', () => {
    const source = sourceWith({ mode: 'hard', maxStale: HOUR });
    for (const who of [client, issuing]) tell(source, who, 'good');
    assert.equal(show(source, client, now + 2 * HOUR).code, 'accepted');
    const late = show(source, client, now + 2 * HOUR + 1);
    assert.deepEqual([late.code, late.wanted], ['revocation_stale', [0, 1]]);
    tell(source, client, 'revoked');
    assert.equal(show(source, client, now + 24 * HOUR).code, 'revoked');
  });

  test('are due ahead of their end, without anybody waiting', () => {
    const source = sourceWith();
    for (const who of [client, issuing]) tell(source, who, 'good');
    const { verdict } = show(source);
    assert.ok(verdict.ok);
    const state = stateWith(source);
    assert.deepEqual(state.due(verdict, now), []);
    assert.deepEqual(state.due(verdict, now + HOUR / 2), [0, 1]);
    assert.deepEqual(state.wanted(verdict, now + HOUR / 2), []);
  });

  test('soft admits what nobody answers for, and counts; what is revoked stays out', () => {
    const source = sourceWith({ mode: 'soft', maxStale: 'nextUpdate' });
    const counted: string[] = [];
    const state = stateWith(source);
    const peer = { presented: client.chain, resumed: false };
    const verdict = judge(peer, policy, state, now, (_source, fault) => counted.push(fault.code));
    assert.ok(verdict.ok);
    assert.deepEqual(counted, ['revocation_stale']);
    assert.deepEqual(state.wanted(verdict, now), [0, 1], 'worth to be asked for all the same');
    tell(source, client, 'revoked');
    assert.equal(judge(peer, policy, state, now).ok, false);
  });

  test('who is not allowed in anyway is not asked for', () => {
    const source = sourceWith();
    const nobody = { ...policy, allow: () => false };
    const verdict = judge({ presented: client.chain, resumed: false }, nobody, stateWith(source), now);
    assert.ok(!verdict.ok && verdict.code === 'not_allowed' && verdict.pending === undefined);
  });

  test('T35: nothing is asked for before a chain is trusted', async () => {
    const stranger = await createRoot('Root', { now });
    const forged = await stranger.issue('client', { extensions: aia });
    const { verdict, wanted } = show(sourceWith(undefined, true), forged);
    assert.ok(!verdict.ok && verdict.code === 'untrusted_issuer' && verdict.pending === undefined);
    assert.deepEqual(wanted, []);
    const expired = await issuing.issue('late', { extensions: aia, notAfter: now - 1000 });
    assert.deepEqual([show(sourceWith(), expired).code, show(sourceWith(), expired).wanted], ['expired', []]);
  });
});

describe('CRLs and OCSP together', () => {
  const staleness: Staleness = { mode: 'hard', maxStale: 'nextUpdate' };

  async function both(options: { first: 'crl' | 'ocsp'; fallback: boolean }, revoked: TestCertificate[] = []) {
    const crls = new CrlSet({ name: 'partners', crypto: nodeCrypto, expected: [], staleness });
    crls.setIssuers({ name: 'partners', anchors: [anchorOf(root.certificate)], intermediates: [issuing.certificate] });
    crls.offer(await root.crl(), 'root', now);
    crls.offer(await issuing.crl({ revoked }), 'issuing', now);
    const ocsp = sourceWith(staleness);
    const [first, second] = options.first === 'crl' ? [crls, ocsp] : [ocsp, crls];
    return { crls, ocsp, combined: new CombinedSource({ first, second, fallback: options.fallback }) };
  }

  test('CRL first: where a list speaks nobody is asked; what no list covers is', async () => {
    const { combined } = await both({ first: 'crl', fallback: true });
    assert.deepEqual([show(combined).code, show(combined).wanted], ['accepted', []]);
    const late = show(combined, client, now + 48 * HOUR);
    assert.deepEqual([late.code, late.wanted], ['revocation_stale', [0, 1]]);
  });

  test('OCSP first: it is asked, and the lists stand in when there is no answer', async () => {
    const { combined, ocsp } = await both({ first: 'ocsp', fallback: true });
    assert.deepEqual([show(combined).code, show(combined).wanted], ['accepted', [0, 1]]);
    for (const who of [client, issuing]) tell(ocsp, who, 'good');
    assert.deepEqual([show(combined).code, show(combined).wanted], ['accepted', []]);
  });

  test('without fallback both must speak', async () => {
    const { combined, ocsp } = await both({ first: 'crl', fallback: false });
    assert.deepEqual([show(combined).code, show(combined).wanted], ['revocation_stale', [0, 1]]);
    for (const who of [client, issuing]) tell(ocsp, who, 'good', { freshUntil: now + 100 * HOUR });
    assert.equal(show(combined).code, 'accepted');
    assert.equal(show(combined, client, now + 48 * HOUR).code, 'revocation_stale', 'the lists are too old');
    tell(ocsp, client, 'unknown', { thisUpdate: now + 1 });
    assert.equal(show(combined).code, 'revocation_unknown');
  });

  test('whichever says revoked is believed', async () => {
    for (const first of ['crl', 'ocsp'] as const) {
      const byList = await both({ first, fallback: true }, [client]);
      for (const who of [client, issuing]) tell(byList.ocsp, who, 'good');
      assert.equal(show(byList.combined).code, 'revoked');
      const byAnswer = await both({ first, fallback: true });
      tell(byAnswer.ocsp, client, 'revoked');
      assert.equal(show(byAnswer.combined).code, 'revoked');
    }
  });
});

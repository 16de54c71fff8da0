import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { deltaCrlIndicator, issuingDistributionPoint, pemEncode } from '@countersign/pki';
import { createRoot, TEST_TIME } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

import { anchorOf, CrlSet, judge, nodeCrypto, TrustError, TrustState } from '../../src/index.ts';
import type { Bundle, CrlOffer, CrlSetOptions, Verdict } from '../../src/index.ts';

const now = TEST_TIME;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const policy = { id: 'p', bundles: ['partners'] };

const root = await createRoot('Partner Root', { now });
const issuing = await root.issueCa('Partner Issuing');
const good = await issuing.issue('good');
const bad = await issuing.issue('bad');
const rootCrl = await root.crl();

function bundleOf(anchors: readonly TestCa[], intermediates: readonly TestCa[] = []): Bundle {
  return {
    name: 'partners',
    anchors: anchors.map((ca) => anchorOf(ca.certificate)),
    intermediates: intermediates.map((ca) => ca.certificate),
  };
}

function setFor(bundle = bundleOf([root], [issuing]), options: Partial<CrlSetOptions> = {}): CrlSet {
  const set = new CrlSet({ name: 'partners', crypto: nodeCrypto, expected: ['root', 'issuing'], ...options });
  set.setIssuers(bundle);
  return set;
}

function verdictOf(set: CrlSet, who: TestCertificate, bundle = bundleOf([root], [issuing]), at = now): string {
  const state = new TrustState();
  state.setBundle(bundle, set);
  const verdict: Verdict = judge({ presented: who.chain, resumed: false }, policy, state, at);
  return verdict.ok ? 'accepted' : verdict.code;
}

/** The last octet of the signature is another one. */
function changed(der: Uint8Array): Uint8Array {
  const last = der.length - 1;
  return der.with(last, (der[last] ?? 0) ^ 1);
}

function refusalOf(offer: () => CrlOffer): string {
  try {
    return offer().kind;
  } catch (error) {
    assert.ok(error instanceof TrustError);
    return error.code;
  }
}

describe('CRLs of other CAs', () => {
  test('cover the whole chain: the leaf by its CA, the CA by the root', async () => {
    const set = setFor();
    assert.equal(verdictOf(set, good), 'revocation_stale', 'never loaded counts as beyond');
    set.offer(await issuing.crl({ revoked: [bad] }), 'issuing', now);
    assert.equal(verdictOf(set, good), 'revocation_stale', 'the root’s is missing');
    set.offer(rootCrl, 'root', now);
    assert.equal(verdictOf(set, good), 'accepted');
    assert.equal(verdictOf(set, bad), 'revoked');
    set.offer(await root.crl({ number: 2, revoked: [issuing] }), 'root', now);
    assert.equal(verdictOf(set, good), 'revoked');
  });

  test('that nobody configured leave a CA of the path unknown', async () => {
    const set = setFor(bundleOf([root], [issuing]), { expected: ['issuing'] });
    set.offer(await issuing.crl(), 'issuing', now);
    assert.equal(verdictOf(set, good), 'revocation_unknown');
  });

  test('hold until nextUpdate, and as much longer as is configured', async () => {
    const crls = [rootCrl, await issuing.crl()] as const;
    const load = (staleness: CrlSetOptions['staleness']): CrlSet => {
      const set = setFor(bundleOf([root], [issuing]), { staleness });
      set.offer(crls[0], 'root', now);
      set.offer(crls[1], 'issuing', now);
      return set;
    };
    const bundle = bundleOf([root], [issuing]);
    assert.equal(verdictOf(load(undefined), good, bundle, now + DAY), 'accepted');
    assert.equal(verdictOf(load(undefined), good, bundle, now + DAY + 1000), 'revocation_stale');
    assert.equal(verdictOf(load({ mode: 'hard', maxStale: HOUR }), good, bundle, now + DAY + HOUR), 'accepted');
    assert.equal(
      verdictOf(load({ mode: 'hard', maxStale: HOUR }), good, bundle, now + DAY + HOUR + 1),
      'revocation_stale',
    );
    assert.equal(verdictOf(load({ mode: 'soft', maxStale: 'nextUpdate' }), good, bundle, now + 2 * DAY), 'accepted');
  });

  test('are read as PEM too', async () => {
    const pem = Buffer.from(pemEncode('X509 CRL', await issuing.crl({ revoked: [bad] })));
    assert.equal(setFor().offer(pem, 'issuing', now).kind, 'loaded');
  });

  test('are believed only with the signature of the CA itself', async () => {
    const other = await createRoot('Partner Root', { now });
    const otherIssuing = await other.issueCa('Partner Issuing');
    const noCrlSign = await root.issueCa('No CRLs', { keyUsage: ['keyCertSign'] });
    const set = setFor(bundleOf([root], [issuing, noCrlSign]));
    const offers: Record<string, Uint8Array> = {
      'a forged one': await issuing.crl({ forgedBy: root.key.privateKey }),
      'one of a CA of the same name': await otherIssuing.crl(),
      'one of a CA that may not sign CRLs': await noCrlSign.crl(),
      'one whose octets were changed': changed(await issuing.crl({ revoked: [bad] })),
    };
    for (const [what, der] of Object.entries(offers)) {
      assert.equal(
        refusalOf(() => set.offer(der, 'issuing', now)),
        'crl_signature_invalid',
        what,
      );
    }
    assert.deepEqual(set.loaded, []);
  });

  test('of two CAs with one name are kept apart', async () => {
    const twin = await root.issueCa('Partner Issuing');
    const twinGood = await twin.issue('twin', { serial: bad.certificate.serialHex });
    const bundle = bundleOf([root], [issuing, twin]);
    const set = setFor(bundle, { expected: ['root', 'issuing', 'twin'] });
    set.offer(rootCrl, 'root', now);
    set.offer(await issuing.crl({ revoked: [bad] }), 'issuing', now);
    set.offer(await twin.crl(), 'twin', now);
    assert.equal(verdictOf(set, bad, bundle), 'revoked');
    assert.equal(verdictOf(set, twinGood, bundle), 'accepted');
  });

  test('that cannot be understood as a whole are refused', async () => {
    const set = setFor();
    const point = (value: Parameters<typeof issuingDistributionPoint>[0]): Promise<Uint8Array> =>
      issuing.crl({ extensions: [issuingDistributionPoint(value)] });
    const unknown = { oid: '1.3.6.1.4.1.59988.98', critical: true, value: Uint8Array.of(5, 0) };
    const offers: Record<string, Uint8Array> = {
      'a delta without a number': await issuing.crl({ number: null, extensions: [deltaCrlIndicator(1)] }),
      'a delta to what comes later': await issuing.crl({ number: 2, extensions: [deltaCrlIndicator(3)] }),
      'attribute certificates': await point({ onlyContainsAttributeCerts: true }),
      'an unknown critical extension': await issuing.crl({ extensions: [unknown] }),
    };
    for (const [what, der] of Object.entries(offers)) {
      assert.equal(
        refusalOf(() => set.offer(der, 'issuing', now)),
        'crl_unusable',
        what,
      );
    }
    const future = await issuing.crl({ thisUpdate: now + HOUR, nextUpdate: now + DAY });
    assert.equal(
      refusalOf(() => set.offer(future, 'issuing', now)),
      'crl_not_current',
    );
  });

  test('that are none at all are refused, and the good one stays', async () => {
    const set = setFor();
    const der = await issuing.crl({ revoked: [bad] });
    set.offer(der, 'issuing', now);
    const page = Buffer.from('<!doctype html><title>502 Bad Gateway</title>');
    for (const bytes of [new Uint8Array(), page, der.subarray(0, der.length - 5), Buffer.from(good.pem), good.der]) {
      assert.equal(
        refusalOf(() => set.offer(bytes, 'issuing', now)),
        'crl_malformed',
      );
    }
    assert.equal(set.loaded.length, 1);
  });

  test('of before are never taken for newer ones', async () => {
    const set = setFor();
    const old = await issuing.crl({ number: 6 });
    const newer = await issuing.crl({ number: 7, revoked: [bad], thisUpdate: now - 60_000 });
    set.offer(newer, 'issuing', now);
    assert.equal(
      refusalOf(() => set.offer(old, 'issuing', now)),
      'crl_rollback',
    );
    const sameNumber = await issuing.crl({ number: 7, thisUpdate: now - 120_000 });
    assert.equal(
      refusalOf(() => set.offer(sameNumber, 'issuing', now)),
      'crl_rollback',
    );
    const noNumber = await issuing.crl({ number: null, thisUpdate: now - HOUR });
    assert.equal(
      refusalOf(() => set.offer(noNumber, 'issuing', now)),
      'crl_rollback',
    );
    assert.equal(set.offer(newer, 'issuing', now).kind, 'unchanged');
    const next = await issuing.crl({ number: 8, thisUpdate: now - 1000 });
    assert.equal(set.offer(next, 'issuing', now).kind, 'loaded');
    assert.equal(set.loaded.length, 1);
  });

  test('for CAs only, for others only, and of one partition speak for those alone', async () => {
    const uri = 'http://crl.example/7.crl';
    const here = await issuing.issue('here', { crlUris: [uri] });
    const elsewhere = await issuing.issue('elsewhere', { crlUris: ['http://crl.example/8.crl'] });
    const set = setFor(bundleOf([root], [issuing]), { expected: ['root', 'issuing'] });
    set.offer(await root.crl({ extensions: [issuingDistributionPoint({ onlyContainsCaCerts: true })] }), 'root', now);
    const point = issuingDistributionPoint({ name: { fullName: [{ type: 'uri', value: uri }] } });
    set.offer(await issuing.crl({ extensions: [point] }), 'issuing', now);
    assert.equal(verdictOf(set, here), 'accepted');
    assert.equal(verdictOf(set, elsewhere), 'revocation_unknown');
    assert.equal(verdictOf(set, good), 'revocation_unknown');
    const users = issuingDistributionPoint({ onlyContainsUserCerts: true });
    set.offer(await issuing.crl({ extensions: [users] }), 'issuing', now);
    assert.equal(verdictOf(set, good), 'accepted');
    assert.equal(set.loaded.length, 3, 'scopes stand beside each other');
  });

  test('wait for a CA that the bundle lacks, until a verified path shows it', async () => {
    const bundle = bundleOf([root]);
    const set = setFor(bundle);
    set.offer(rootCrl, 'root', now);
    assert.equal(set.offer(await issuing.crl({ revoked: [bad] }), 'issuing', now).kind, 'waiting');
    assert.equal(verdictOf(set, bad, bundle), 'revoked');
    assert.equal(verdictOf(set, good, bundle), 'accepted');
  });

  test('do not come into use by a path that does not verify', async () => {
    const other = await createRoot('Other', { now });
    const mallory = await other.issueCa('Partner Issuing');
    const bundle = bundleOf([root]);
    const set = setFor(bundle);
    set.offer(await mallory.crl({ revoked: [good] }), 'issuing', now);
    set.offer(rootCrl, 'root', now);
    assert.equal(verdictOf(set, await mallory.issue('x'), bundle), 'untrusted_issuer');
    assert.equal(verdictOf(set, good, bundle), 'revocation_stale');
    assert.equal(set.loaded.length, 1);
  });
});

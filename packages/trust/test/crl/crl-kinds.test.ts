// Delta, partitioned and indirect CRLs (RFC 5280 sections 5.2.4 to 5.2.6 and 6.3): pki's checker of whole paths is the oracle.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  ALL_REASONS,
  buildAndValidate,
  crlChecker,
  crlDistributionPoints,
  deltaCrlIndicator,
  issuingDistributionPoint,
  parseCrl,
} from '@countersign/pki';
import type { CrlEntryTemplate, DistributionPoint, Extension, GeneralName } from '@countersign/pki';
import { createRoot, TEST_TIME } from '@countersign/testkit';
import type { CrlOptions, TestCa, TestCertificate } from '@countersign/testkit';
import * as fc from 'fast-check';

import { anchorOf, CrlSet, judge, nodeCrypto, TrustError, TrustState } from '../../src/index.ts';
import type { Bundle } from '../../src/index.ts';

const now = TEST_TIME;
const HOUR = 3_600_000;
const policy = { id: 'p', bundles: ['partners'] };

const root = await createRoot('Partner Root', { now });
const leaf = await root.issue('leaf');
const other = await root.issue('other');
const signer = await root.issueCa('CRL Signer', { keyUsage: ['cRLSign'] });

function setFor(
  ca: readonly TestCa[] = [root],
  intermediates: readonly TestCa[] = [],
  expected: readonly string[] = [],
): CrlSet {
  const set = new CrlSet({ name: 'partners', crypto: nodeCrypto, expected });
  set.setIssuers(bundleOf(ca, intermediates));
  return set;
}

function bundleOf(anchors: readonly TestCa[], intermediates: readonly TestCa[] = []): Bundle {
  return {
    name: 'partners',
    anchors: anchors.map((ca) => anchorOf(ca.certificate)),
    intermediates: intermediates.map((ca) => ca.certificate),
  };
}

function verdictOf(set: CrlSet, who: TestCertificate, at = now, bundle = bundleOf([root])): string {
  const state = new TrustState();
  state.setBundle(bundle, set);
  const verdict = judge({ presented: who.chain, resumed: false }, policy, state, at);
  return verdict.ok ? 'accepted' : verdict.code;
}

function offerOf(set: CrlSet, der: Uint8Array, source = 'list'): string {
  try {
    const offer = set.offer(der, source, now);
    return offer.kind === 'waiting' ? `waiting for ${offer.for}` : offer.kind;
  } catch (error) {
    assert.ok(error instanceof TrustError);
    return error.code;
  }
}

const base = (number: number, options: CrlOptions = {}): Promise<Uint8Array> => root.crl({ number, ...options });

const delta = (from: number, number: number, options: CrlOptions = {}): Promise<Uint8Array> =>
  root.crl({ number, ...options, extensions: [deltaCrlIndicator(from), ...(options.extensions ?? [])] });

const uri = (value: string): GeneralName => ({ type: 'uri', value });
const entry = (who: TestCertificate, reason: CrlEntryTemplate['reason'], issuer?: TestCa): CrlEntryTemplate => ({
  serialNumber: who.certificate.serialHex,
  revocationDate: now - HOUR,
  reason,
  ...(issuer === undefined ? {} : { certificateIssuer: [{ type: 'directory', value: issuer.certificate.subject }] }),
});

describe('a delta CRL', () => {
  test('adds to its complete list, and says nothing without it', async () => {
    const set = setFor();
    assert.equal(offerOf(set, await delta(5, 7, { revoked: [leaf] })), 'waiting for base');
    assert.equal(verdictOf(set, other), 'revocation_unknown');
    assert.equal(offerOf(set, await base(5)), 'loaded');
    assert.equal(verdictOf(set, leaf), 'revoked');
    assert.equal(verdictOf(set, other), 'accepted');
    assert.equal(set.loaded.length, 2);
  });

  test('releases what was on hold, and only that', async () => {
    const set = setFor();
    set.offer(await base(5, { entries: [entry(leaf, 'certificateHold'), entry(other, 'keyCompromise')] }), 'base', now);
    assert.equal(verdictOf(set, leaf), 'revoked');
    assert.equal(offerOf(set, await delta(5, 6, { entries: [entry(leaf, 'removeFromCRL')] })), 'loaded');
    assert.equal(verdictOf(set, leaf), 'accepted');
    assert.equal(verdictOf(set, other), 'revoked');
    assert.equal(offerOf(set, await delta(5, 7, { entries: [entry(leaf, 'keyCompromise')] })), 'loaded');
    assert.equal(verdictOf(set, leaf), 'revoked');
  });

  test('to a list that comes later waits for it, and the one in use stays', async () => {
    const set = setFor();
    set.offer(await base(5), 'base', now);
    set.offer(await delta(5, 6, { revoked: [leaf] }), 'delta', now);
    assert.equal(offerOf(set, await delta(8, 9, { revoked: [leaf, other] }), 'delta'), 'waiting for base');
    assert.equal(verdictOf(set, leaf), 'revoked');
    assert.equal(verdictOf(set, other), 'accepted');
    set.offer(await base(8, { revoked: [leaf] }), 'base', now);
    assert.equal(verdictOf(set, other), 'revoked');
  });

  test('of another scope, or of another key, is none of this list', async () => {
    const set = setFor();
    set.offer(await base(5), 'base', now);
    const users = [issuingDistributionPoint({ onlyContainsUserCerts: true })];
    assert.equal(offerOf(set, await delta(5, 6, { revoked: [leaf], extensions: users })), 'waiting for base');
    assert.equal(offerOf(set, await delta(5, 6, { forgedBy: signer.key.privateKey })), 'crl_signature_invalid');
    assert.equal(verdictOf(set, leaf), 'accepted');
  });

  test('T32: is not put back, neither by an older one nor by an older complete list', async () => {
    const set = setFor();
    const old = await delta(5, 6);
    const oldBase = await base(5);
    set.offer(await base(6), 'base', now);
    set.offer(await delta(6, 8, { revoked: [leaf] }), 'delta', now);
    assert.equal(offerOf(set, await delta(6, 7)), 'crl_rollback');
    assert.equal(offerOf(set, oldBase), 'crl_rollback');
    assert.equal(offerOf(set, await base(9, { number: null })), 'crl_rollback', 'a number is not given up again');
    assert.equal(offerOf(set, old), 'crl_rollback');
    assert.equal(verdictOf(set, leaf), 'revoked');
    assert.equal(offerOf(set, await base(7)), 'loaded', 'its delta still fits');
    assert.equal(verdictOf(set, leaf), 'revoked');
  });

  test('that is overdue makes the news stale, until a complete list overtakes it', async () => {
    const set = setFor([root], [], ['base', 'delta']);
    set.offer(await base(5, { nextUpdate: now + 24 * HOUR }), 'base', now);
    set.offer(await delta(5, 6, { nextUpdate: now + HOUR }), 'delta', now);
    assert.equal(verdictOf(set, leaf, now + HOUR), 'accepted');
    assert.equal(verdictOf(set, leaf, now + HOUR + 1000), 'revocation_stale');
    set.offer(await base(6, { nextUpdate: now + 24 * HOUR }), 'base', now);
    assert.equal(verdictOf(set, leaf, now + HOUR + 1000), 'accepted');
  });

  test('that was merely found, not expected, makes nothing stale when it is overdue, and what it has told still counts', async () => {
    const set = setFor([root], [], ['base']);
    set.offer(await base(5, { nextUpdate: now + 24 * HOUR }), 'base', now);
    set.offer(await delta(5, 6, { nextUpdate: now + HOUR, revoked: [other] }), 'found', now);
    assert.equal(verdictOf(set, leaf, now + HOUR + 1000), 'accepted');
    assert.equal(verdictOf(set, other, now + HOUR + 1000), 'revoked');
    assert.equal(verdictOf(set, leaf, now + 25 * HOUR), 'revocation_stale');
  });

  test('in whatever order lists come, the newest state that they make together is the one that counts', async () => {
    // A history of one CA: after each number, who is revoked.
    const all = [leaf, other, await root.issue('third')];
    const held = (number: number): TestCertificate[] => all.filter((_, at) => ((number * 5) >> at) % 2 === 1);
    const lists = new Map<string, Uint8Array>();
    for (let number = 1; number <= 6; number += 1) {
      const entries = held(number).map((who) => entry(who, 'certificateHold'));
      lists.set(`${number}`, await base(number, { entries, thisUpdate: now - HOUR + number }));
      for (let from = 1; from < number; from += 1) {
        const changed = all.filter((who) => held(from).includes(who) !== held(number).includes(who));
        const touched = [...new Set([...changed, ...held(number)])];
        const changes = all
          .filter((who) => touched.includes(who) || !held(number).includes(who))
          .map((who) => entry(who, held(number).includes(who) ? 'certificateHold' : 'removeFromCRL'));
        lists.set(
          `${from}-${number}`,
          await delta(from, number, { entries: changes, thisUpdate: now - HOUR + number }),
        );
      }
    }
    const names = [...lists.keys()];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 8 }), (order) => {
        const set = setFor();
        let state = 0;
        for (const name of order) {
          offerOf(set, lists.get(name) ?? new Uint8Array());
          const hasBase = set.loaded.some((list) => list.baseNumber === undefined);
          const reached = hasBase ? Math.max(...set.loaded.map(({ crlNumber }) => Number(crlNumber))) : 0;
          assert.ok(reached >= state, 'never back in time');
          assert.ok(name.includes('-') || reached >= Number(name), 'a complete list counts');
          state = reached;
          for (const who of all) {
            const expected = state === 0 ? 'revocation_unknown' : held(state).includes(who) ? 'revoked' : 'accepted';
            assert.equal(verdictOf(set, who), expected, `${order.join(' ')} at ${name}: ${state}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('partitions of a CRL', () => {
  const named = (...names: string[]): Parameters<typeof issuingDistributionPoint>[0] => ({
    name: { fullName: names.map(uri) },
  });

  test('of 128 distribution points stand side by side, each for its own certificates', async () => {
    const set = setFor();
    const clients = await Promise.all(
      [0, 7, 127].map((at) => root.issue(`client ${at}`, { crlUris: [`http://crl.test/${at}.crl`] })),
    );
    for (let at = 0; at < 128; at += 1) {
      if (at === 127) continue;
      const extensions = [issuingDistributionPoint(named(`http://crl.test/${at}.crl`))];
      set.offer(await root.crl({ extensions, revoked: at === 7 ? clients : [] }), `${at}`, now);
    }
    assert.equal(set.loaded.length, 127);
    assert.deepEqual(
      clients.map((client) => verdictOf(set, client)),
      ['accepted', 'revoked', 'revocation_unknown'],
    );
  });

  test('by reason speak for a certificate only when together they tell of every reason', async () => {
    const set = setFor();
    const some = (onlySomeReasons: number): Extension[] => [issuingDistributionPoint({ onlySomeReasons })];
    set.offer(await root.crl({ extensions: some(0x06), nextUpdate: now + HOUR }), 'keys', now);
    assert.equal(verdictOf(set, leaf), 'revocation_unknown');
    set.offer(await root.crl({ extensions: some(ALL_REASONS & ~0x06), revoked: [other] }), 'rest', now);
    assert.equal(verdictOf(set, leaf), 'accepted');
    assert.equal(verdictOf(set, other), 'revoked');
    assert.equal(verdictOf(set, leaf, now + 2 * HOUR), 'revocation_stale', 'as stale as the stalest that is needed');
  });
});

describe('an indirect CRL', () => {
  const directory = (ca: TestCa): GeneralName => ({ type: 'directory', value: ca.certificate.subject });
  const away = async (name: string, by: TestCa, to: TestCa): Promise<TestCertificate> => {
    const points: DistributionPoint[] = [
      { name: { fullName: [uri('http://crl.test/i')] }, crlIssuer: [directory(to)] },
    ];
    return by.issue(name, { extensions: [crlDistributionPoints(points)] });
  };
  const indirect = [issuingDistributionPoint({ indirectCrl: true })];

  test('speaks for those that name its issuer, by the names of their own issuers', async () => {
    const second = await createRoot('Second Root', { now });
    const [mine, bad] = [await away('mine', root, signer), await away('bad', root, signer)];
    const twin = await second.issue('twin', {
      serial: bad.certificate.serialHex,
      extensions: [crlDistributionPoints([{ crlIssuer: [directory(signer)] }])],
    });
    const bundle = bundleOf([root, second], [signer]);
    const set = setFor([root, second], [signer]);
    assert.equal(
      offerOf(set, await signer.crl({ extensions: indirect, entries: [entry(bad, 'keyCompromise', root)] })),
      'loaded',
    );
    const verdicts = [mine, bad, twin, leaf].map((who) => verdictOf(set, who, now, bundle));
    assert.deepEqual(verdicts, ['accepted', 'revoked', 'accepted', 'revocation_unknown']);
  });

  test('T31: of an issuer that the bundle does not name is refused, also where a path has shown that CA', async () => {
    const set = setFor();
    set.learnIssuer(signer.certificate);
    assert.equal(offerOf(set, await signer.crl({ extensions: indirect })), 'crl_signature_invalid');
  });

  test('T31: of an issuer whose certificate has expired or is revoked is refused', async () => {
    const expired = await root.issueCa('Late Signer', { keyUsage: ['cRLSign'], notAfter: now - 1000 });
    const set = setFor([root], [signer, expired]);
    assert.equal(offerOf(set, await expired.crl({ extensions: indirect })), 'crl_signature_invalid');
    set.offer(await base(1, { revoked: [signer] }), 'root', now);
    assert.equal(offerOf(set, await signer.crl({ extensions: indirect })), 'crl_signature_invalid');
  });

  test('T31: a CA of the same name as the certificate’s issuer does not speak for it by being indirect', async () => {
    const twin = await createRoot('Partner Root', { now });
    const set = setFor([root, twin]);
    assert.equal(offerOf(set, await twin.crl({ extensions: indirect, number: 9 })), 'loaded');
    assert.equal(verdictOf(set, leaf, now, bundleOf([root, twin])), 'revocation_unknown');
  });

  test('T31: entries of other issuers in a list that is not indirect make it none', async () => {
    assert.equal(
      offerOf(setFor(), await root.crl({ entries: [entry(leaf, 'keyCompromise', signer)] })),
      'crl_malformed',
    );
  });

  test('the issuer that gave the task away no longer speaks itself', async () => {
    const mine = await away('mine', root, signer);
    const set = setFor([root], [signer]);
    set.offer(await base(1), 'root', now);
    assert.equal(verdictOf(set, mine), 'revocation_unknown');
    assert.equal(verdictOf(set, leaf), 'accepted');
  });
});

test('whatever the scopes, nobody is admitted whom the checker of RFC 5280 section 6.3 does not admit, and only who is on some list is refused beyond it', async () => {
  const names = ['http://crl.test/a', 'http://crl.test/b'];
  const directory: GeneralName[] = [{ type: 'directory', value: signer.certificate.subject }];
  const pointShapes: DistributionPoint[][] = [
    [],
    [{ name: { fullName: [uri(names[0] ?? '')] } }],
    [{ name: { fullName: names.map(uri) }, reasons: 0x06 }, { name: { fullName: [uri(names[1] ?? '')] } }],
    [{ crlIssuer: directory }],
    [{ name: { fullName: [uri(names[1] ?? '')] }, crlIssuer: directory }, { reasons: 0x1f8 }],
  ];
  const clients = await Promise.all(
    pointShapes.map((points, at) =>
      root.issue(`client ${at}`, { extensions: points.length === 0 ? [] : [crlDistributionPoints(points)] }),
    ),
  );
  const pointNames: Record<'a' | 'b' | 'root', GeneralName[]> = {
    a: names.slice(0, 1).map(uri),
    b: names.slice(1).map(uri),
    root: [{ type: 'directory', value: root.certificate.subject }],
  };
  // What covers the signer's own certificate, and no client's.
  const forCas = await base(1, { extensions: [issuingDistributionPoint({ onlyContainsCaCerts: true })] });
  const shape = fc.record({
    bySigner: fc.boolean(),
    indirectCrl: fc.boolean(),
    name: fc.constantFrom(undefined, 'a', 'b', 'root'),
    kind: fc.constantFrom({}, { onlyContainsUserCerts: true }, { onlyContainsCaCerts: true }),
    reasons: fc.constantFrom(undefined, 0x06, 0x1f8),
    revoked: fc.constantFrom(undefined, ...clients.keys()),
    isDelta: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(shape, { minLength: 1, maxLength: 6 }), async (shapes) => {
      const made = await Promise.all(
        shapes.map(({ bySigner, indirectCrl, name, kind, reasons, revoked, isDelta }, at) => {
          const idp = {
            ...kind,
            ...(indirectCrl ? { indirectCrl } : {}),
            ...(name === undefined ? {} : { name: { fullName: pointNames[name] } }),
            ...(reasons === undefined ? {} : { onlySomeReasons: reasons }),
          };
          const extensions = [
            ...(Object.keys(idp).length === 0 ? [] : [issuingDistributionPoint(idp)]),
            ...(isDelta ? [deltaCrlIndicator(1)] : []),
          ];
          const who = clients[revoked ?? -1];
          const entries = who === undefined ? [] : [entry(who, 'keyCompromise', indirectCrl ? root : undefined)];
          return (bySigner ? signer : root).crl({ number: at + 2, extensions, entries });
        }),
      );
      const lists = [forCas, ...made];
      const set = setFor([root], [signer]);
      for (const [at, der] of lists.entries()) offerOf(set, der, `${at}`);
      const revocation = crlChecker({ crls: lists.map((der) => parseCrl(der)) });
      for (const client of clients) {
        const oracle = buildAndValidate(client.certificate, {
          anchors: [anchorOf(root.certificate)],
          intermediates: [signer.certificate],
          time: now,
          crypto: nodeCrypto,
          profile: 'rfc5280',
          purpose: 'client',
          revocation,
        });
        const own = verdictOf(set, client, now, bundleOf([root], [signer]));
        const words = `${client.certificate.subject.key}: ${own}, ${JSON.stringify(shapes)}`;
        if (own === 'accepted') assert.ok(oracle.ok, words);
        // That checker stops at the first lists that cover every reason; here whoever says `revoked` is believed.
        else if (own === 'revoked')
          assert.ok(
            shapes.some(({ revoked }) => clients[revoked ?? -1] === client),
            words,
          );
        else assert.ok(!oracle.ok, words);
      }
    }),
    { numRuns: 150 },
  );
});

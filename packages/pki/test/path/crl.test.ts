import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assembleSigned,
  basicConstraints,
  buildAndValidate,
  crlChecker,
  crlDistributionPoints,
  crlNumber,
  deltaCrlIndicator,
  der,
  isRollback,
  issuingDistributionPoint,
  keyUsage,
  parseCrl,
  refusalOf,
  schemeAlgorithm,
  type Crl,
  type CrlCheckOptions,
  type DistributionPoint,
  type GeneralName,
  type PathOptions,
} from '../../src/index.ts';
import { sign } from 'node:crypto';
import { anchorsOf, countingCrypto, forge, forgeCa, newKey, NOW, type Forged } from './support/forge.ts';
import { entryFor, forgeCrl, HOUR } from './support/forge-crl.ts';

const root = forgeCa('Root');
const issuing = forgeCa('Issuing', root);
const leaf = forge({ name: 'leaf', by: issuing });
const rootCrl = forgeCrl(root);

function verdict(
  crls: readonly Crl[],
  options: Partial<CrlCheckOptions> = {},
  { subject = leaf, bag = [issuing], ...path }: { subject?: Forged; bag?: Forged[] } & Partial<PathOptions> = {},
): string {
  const result = buildAndValidate(subject.cert, {
    anchors: anchorsOf(root),
    intermediates: bag.map(({ cert }) => cert),
    time: NOW,
    crypto: countingCrypto(),
    revocation: crlChecker({ crls, ...options }),
    ...path,
  });
  return result.ok ? 'ok' : result.code;
}

describe('a CRL', () => {
  test('must cover the whole chain, or the leaf alone where that is asked', () => {
    assert.equal(verdict([forgeCrl(issuing), rootCrl]), 'ok');
    assert.equal(verdict([forgeCrl(issuing)]), 'revocation_unknown');
    assert.equal(verdict([forgeCrl(issuing)], { scope: 'leaf' }), 'ok');
    assert.equal(verdict([]), 'revocation_unknown');
  });

  test('revokes a leaf, an intermediate, and holds', () => {
    assert.equal(verdict([forgeCrl(issuing, { entries: [entryFor(leaf, 'keyCompromise')] }), rootCrl]), 'revoked');
    assert.equal(verdict([forgeCrl(issuing), forgeCrl(root, { entries: [entryFor(issuing)] })]), 'revoked');
    assert.equal(verdict([forgeCrl(issuing, { entries: [entryFor(leaf, 'certificateHold')] }), rootCrl]), 'held');
    assert.equal(refusalOf('held'), 'revoked');
  });

  test('tells revoked before unknown', () => {
    assert.equal(verdict([forgeCrl(root, { entries: [entryFor(issuing)] })]), 'revoked');
  });

  test('leads the search to another path when an intermediate is revoked on one', () => {
    const key = newKey();
    const first = forgeCa('Crossed', root, { key });
    const second = forgeCa('Crossed', root, { key });
    const subject = forge({ name: 'leaf', by: first });
    const crls = [forgeCrl(first), forgeCrl(root, { entries: [entryFor(first)] })];
    assert.equal(verdict(crls, {}, { subject, bag: [first, second] }), 'ok');
    assert.equal(verdict(crls, {}, { subject, bag: [first] }), 'revoked');
  });

  test('of another key, another name or with a broken signature says nothing', () => {
    const impostor = { cert: issuing.cert, key: newKey() };
    assert.equal(verdict([forgeCrl(impostor), rootCrl]), 'revocation_unknown');
    assert.equal(verdict([forgeCrl(forgeCa('Other', root)), rootCrl]), 'revocation_unknown');
    const sameName = forgeCa('Issuing', forgeCa('Root'));
    assert.equal(verdict([forgeCrl(sameName), rootCrl], {}, { bag: [issuing, sameName] }), 'revocation_unknown');
  });

  test('must be signed by a key that may sign CRLs', () => {
    const mute = forge({
      name: 'Mute',
      by: root,
      extensions: [basicConstraints({ ca: true }), keyUsage(['keyCertSign'])],
    });
    const subject = forge({ name: 'leaf', by: mute });
    assert.equal(verdict([forgeCrl(mute)], { scope: 'leaf' }, { subject, bag: [mute] }), 'revocation_unknown');
  });

  test('may be signed by a key of its own, certified by the CA', () => {
    const signer = forge({ name: 'Issuing', by: root, extensions: [keyUsage(['cRLSign'])] });
    assert.equal(verdict([forgeCrl(signer), rootCrl], {}, { bag: [issuing, signer] }), 'ok');
    const revokedSigner = forgeCrl(root, { entries: [entryFor(signer)] });
    assert.equal(verdict([forgeCrl(signer), revokedSigner], {}, { bag: [issuing, signer] }), 'revocation_unknown');
  });

  test('counts from thisUpdate to nextUpdate', () => {
    const at = (times: { thisUpdate?: number; nextUpdate?: number }, options: Partial<CrlCheckOptions> = {}): string =>
      verdict([forgeCrl(issuing, times)], { scope: 'leaf', ...options });
    assert.equal(at({ nextUpdate: NOW }), 'ok');
    assert.equal(at({ nextUpdate: NOW - 1000 }), 'revocation_unknown');
    assert.equal(at({ thisUpdate: NOW }), 'ok');
    assert.equal(at({ thisUpdate: NOW + 1000 }), 'revocation_unknown');
    assert.equal(at({ thisUpdate: NOW + 1000 }, { skew: 1000 }), 'ok');
    assert.equal(at({ thisUpdate: NOW - 2 * HOUR }, { maxAge: HOUR }), 'revocation_unknown');
  });

  test('without nextUpdate counts only where a maximal age is set', () => {
    const tbs = der.sequence(schemeAlgorithm('ecdsa-sha256').der, issuing.cert.subject.der, der.time(NOW - HOUR));
    const crl = parseCrl(
      assembleSigned(tbs, 'ecdsa-sha256', new Uint8Array(sign('sha256', tbs, issuing.key.privateKey))),
    );
    assert.equal(verdict([crl], { scope: 'leaf' }), 'revocation_unknown');
    assert.equal(verdict([crl], { scope: 'leaf', maxAge: 2 * HOUR }), 'ok');
    assert.equal(
      verdict([crl], { scope: 'leaf', maxAge: 2 * HOUR }, { strict: true, without: ['authority_key_id_missing'] }),
      'revocation_unknown',
    );
  });

  test('with a critical extension that is not known says nothing', () => {
    const extensions = [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }];
    assert.equal(verdict([forgeCrl(issuing, { extensions })], { scope: 'leaf' }), 'revocation_unknown');
    const harmless = [{ oid: '1.2.3.4', critical: false, value: Uint8Array.of(5, 0) }];
    assert.equal(verdict([forgeCrl(issuing, { extensions: harmless })], { scope: 'leaf' }), 'ok');
  });

  test('gives way to a newer one of the same scope', () => {
    const old = forgeCrl(issuing, { number: 1 });
    const current = forgeCrl(issuing, { number: 2, entries: [entryFor(leaf)] });
    assert.equal(verdict([old, current], { scope: 'leaf' }), 'revoked');
    assert.equal(verdict([current, old], { scope: 'leaf' }), 'revoked');
  });

  test('that goes back in time is a rollback', () => {
    const known = forgeCrl(issuing, { number: 5, thisUpdate: NOW - HOUR });
    assert.equal(isRollback(forgeCrl(issuing, { number: 4, thisUpdate: NOW }), known), true);
    assert.equal(isRollback(forgeCrl(issuing, { number: 6, thisUpdate: NOW - 2 * HOUR }), known), true);
    assert.equal(isRollback(forgeCrl(issuing, { number: 5, thisUpdate: NOW - HOUR }), known), false);
    assert.equal(isRollback(forgeCrl(issuing, { number: 6, thisUpdate: NOW }), known), false);
    assert.equal(isRollback(forgeCrl(root, { number: 1 }), known), false, 'of another issuer');
    const partition = [issuingDistributionPoint({ onlyContainsCaCerts: true })];
    assert.equal(isRollback(forgeCrl(issuing, { number: 1, extensions: partition }), known), false, 'of another scope');
  });

  test('is checked once, however often it is asked', () => {
    const crypto = countingCrypto();
    const revocation = crlChecker({ crls: [forgeCrl(issuing), rootCrl] });
    for (let i = 0; i < 3; i += 1) verdict([], {}, { crypto, revocation });
    assert.equal(crypto.checks, 3 * 2 + 2);
  });
});

describe('the scope of a CRL', () => {
  const uri = (value: string): GeneralName => ({ type: 'uri', value });
  const at = (...names: GeneralName[]): DistributionPoint => ({ name: { fullName: names } });
  const pointed = (...points: DistributionPoint[]): Forged =>
    forge({ name: 'leaf', by: issuing, extensions: [crlDistributionPoints(points)] });
  const limited = (idp: Parameters<typeof issuingDistributionPoint>[0], entries: Forged[] = []): Crl =>
    forgeCrl(issuing, { extensions: [issuingDistributionPoint(idp)], entries: entries.map((one) => entryFor(one)) });
  const leafOnly = { scope: 'leaf' } as const;

  test('is its distribution point', () => {
    const subject = pointed(at(uri('http://a/1')));
    assert.equal(
      verdict([limited({ name: { fullName: [uri('http://a/1'), uri('http://b/1')] } })], leafOnly, { subject }),
      'ok',
    );
    assert.equal(
      verdict([limited({ name: { fullName: [uri('http://a/2')] } })], leafOnly, { subject }),
      'revocation_unknown',
    );
    assert.equal(verdict([forgeCrl(issuing)], leafOnly, { subject }), 'ok', 'a list without one covers all');
    assert.equal(
      verdict([limited({ name: { fullName: [uri('http://a/1')] } })], leafOnly),
      'revocation_unknown',
      'a certificate without one',
    );
  });

  test('is the kind of certificate', () => {
    assert.equal(verdict([limited({ onlyContainsUserCerts: true })], leafOnly), 'ok');
    assert.equal(verdict([limited({ onlyContainsCaCerts: true })], leafOnly), 'revocation_unknown');
    assert.equal(verdict([limited({ onlyContainsAttributeCerts: true })], leafOnly), 'revocation_unknown');
    const old = forge({ name: 'old', by: issuing, version: 1 });
    assert.equal(verdict([limited({ onlyContainsUserCerts: true })], leafOnly, { subject: old }), 'revocation_unknown');
  });

  test('is the reasons, and all of them must be covered', () => {
    const [compromise, rest] = [0b110, 0x1fe & ~0b110];
    assert.equal(verdict([limited({ onlySomeReasons: compromise })], leafOnly), 'revocation_unknown');
    const both = [limited({ onlySomeReasons: compromise }), limited({ onlySomeReasons: rest })];
    assert.equal(verdict(both, leafOnly), 'ok');
    assert.equal(verdict([both[0]!, limited({ onlySomeReasons: rest }, [leaf])], leafOnly), 'revoked');
  });

  test('is the reasons of the distribution point too (6.3.3 (d)): a point for some leaves the others undetermined', () => {
    const [compromise, rest] = [0b110, 0x1fe & ~0b110];
    const half = { ...at(uri('http://a/1')), reasons: compromise };
    const other = { ...at(uri('http://a/2')), reasons: rest };
    const list = (url: string, entries: Forged[] = []): Crl => limited({ name: { fullName: [uri(url)] } }, entries);
    const subject = pointed(half);
    assert.equal(verdict([list('http://a/1')], leafOnly, { subject }), 'revocation_unknown');
    assert.equal(verdict([list('http://a/1', [subject])], leafOnly, { subject }), 'revoked');
    const both = pointed(half, other);
    assert.equal(verdict([list('http://a/1')], leafOnly, { subject: both }), 'revocation_unknown');
    assert.equal(verdict([list('http://a/1'), list('http://a/2')], leafOnly, { subject: both }), 'ok');
    // What the list tells of counts as far as the point names it, and no further.
    const narrow = limited({ name: { fullName: [uri('http://a/1')] }, onlySomeReasons: rest });
    assert.equal(verdict([narrow, list('http://a/2')], leafOnly, { subject: both }), 'revocation_unknown');
  });

  test('follows the issuer that an entry of an indirect list names on to the entries behind it (5.3.3)', () => {
    const office = forgeCa('CRL Office', root);
    const subject = pointed({
      ...at(uri('http://a/1')),
      crlIssuer: [{ type: 'directory', value: office.cert.subject }],
    });
    const [first, second] = [forge({ name: 'first', by: issuing }), forge({ name: 'second', by: root })];
    const extensions = [issuingDistributionPoint({ name: { fullName: [uri('http://a/1')] }, indirectCrl: true })];
    const told = (...entries: ReturnType<typeof entryFor>[]): string =>
      verdict([forgeCrl(office, { extensions, entries }), rootCrl], leafOnly, { subject, bag: [issuing, office] });
    assert.equal(told(entryFor(first, undefined, issuing.cert), entryFor(subject)), 'revoked');
    assert.equal(
      told(entryFor(first, undefined, issuing.cert), entryFor(second, undefined, root.cert), entryFor(subject)),
      'ok',
      'the issuer of the entry before it is another',
    );
    assert.equal(told(entryFor(subject), entryFor(first, undefined, issuing.cert)), 'ok', 'before any is named');
  });

  test('is other issuers’ certificates where the list is indirect and the certificate says so', () => {
    const office = forgeCa('CRL Office', root);
    const subject = pointed({
      ...at(uri('http://a/1')),
      crlIssuer: [{ type: 'directory', value: office.cert.subject }],
    });
    const idp = (indirectCrl: boolean) => [
      issuingDistributionPoint({ name: { fullName: [uri('http://a/1')] }, indirectCrl }),
    ];
    const bag = [issuing, office];
    const good = forgeCrl(office, { extensions: idp(true) });
    assert.equal(verdict([good, rootCrl], leafOnly, { subject, bag }), 'ok');
    const listed = forgeCrl(office, {
      extensions: idp(true),
      entries: [entryFor(subject, 'superseded', issuing.cert)],
    });
    assert.equal(verdict([listed, rootCrl], leafOnly, { subject, bag }), 'revoked');
    const namesake = forgeCrl(office, { extensions: idp(true), entries: [entryFor(subject)] });
    assert.equal(verdict([namesake, rootCrl], leafOnly, { subject, bag }), 'ok', 'the serial number of another issuer');
    assert.equal(
      verdict([forgeCrl(office, { extensions: idp(false) }), rootCrl], leafOnly, { subject, bag }),
      'revocation_unknown',
    );
    assert.equal(
      verdict([forgeCrl(issuing), rootCrl], leafOnly, { subject, bag }),
      'revocation_unknown',
      'not what the certificate names',
    );
    const stranger = forgeCrl(forgeCa('CRL Office', forgeCa('Root')), { extensions: idp(true) });
    assert.equal(verdict([stranger, rootCrl], leafOnly, { subject, bag }), 'revocation_unknown', 'another root');
  });
});

describe('a delta CRL', () => {
  const leafOnly = { scope: 'leaf' } as const;
  const delta = (base: number, number: number, shape: Parameters<typeof forgeCrl>[1] = {}): Crl =>
    forgeCrl(issuing, { ...shape, number, extensions: [deltaCrlIndicator(base), ...(shape.extensions ?? [])] });
  const held = forgeCrl(issuing, { number: 3, entries: [entryFor(leaf, 'certificateHold')] });

  test('alone says nothing', () => {
    assert.equal(verdict([delta(3, 4)], leafOnly), 'revocation_unknown');
  });

  test('revokes, and removes what was on hold', () => {
    assert.equal(
      verdict([forgeCrl(issuing, { number: 3 }), delta(3, 4, { entries: [entryFor(leaf)] })], leafOnly),
      'revoked',
    );
    assert.equal(verdict([held, delta(3, 4, { entries: [entryFor(leaf, 'removeFromCRL')] })], leafOnly), 'ok');
  });

  test('must fit its complete list', () => {
    const removed = { entries: [entryFor(leaf, 'removeFromCRL')] };
    assert.equal(verdict([held, delta(4, 5, removed)], leafOnly), 'held', 'a base that is newer than ours');
    assert.equal(verdict([held, delta(2, 3, removed)], leafOnly), 'held', 'not newer than the complete list');
    const scope = [issuingDistributionPoint({ onlyContainsUserCerts: true })];
    assert.equal(verdict([held, delta(3, 4, { ...removed, extensions: scope })], leafOnly), 'held', 'another scope');
    assert.equal(verdict([held, delta(3, 4, { ...removed, nextUpdate: NOW - 1000 })], leafOnly), 'held', 'stale');
    const forged = forgeCrl(
      { cert: issuing.cert, key: newKey() },
      { ...removed, number: 4, extensions: [deltaCrlIndicator(3)] },
    );
    assert.equal(verdict([held, forged], leafOnly), 'held', 'forged');
  });
});

test('crlNumber is what the tests think it is', () => {
  assert.equal(forgeCrl(issuing, { number: 7 }).crlNumber, 7n);
  assert.equal(crlNumber(7).critical, false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  authorityKeyId,
  buildCrl,
  buildCrlTbs,
  buildName,
  CrlBuilder,
  crlNumber,
  issuingDistributionPoint,
  parseCrl,
  parsePublicKeyInfo,
  PkiError,
  verifySignature,
} from '@countersign/pki';
import type { CrlEntryTemplate, CrlReason, Extension } from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner } from '@countersign/trust';

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const issuer = buildName([{ type: 'CN', value: 'Issuing' }]);
const other = buildName([{ type: 'CN', value: 'Other' }]);
const pair = await generateKeyPair('p256');
const signer = nodeSigner(pair.privateKey);

async function crlOf(entries: readonly CrlEntryTemplate[], extensions: readonly Extension[] = []): Promise<Uint8Array> {
  const all = [crlNumber(7n), authorityKeyId(Uint8Array.of(1, 2, 3)), ...extensions];
  return buildCrl({ issuer, thisUpdate: NOW, nextUpdate: NOW + DAY, entries, extensions: all }, signer);
}

test('a CRL that was built says the same when it is read, and verifies', async () => {
  const entries: CrlEntryTemplate[] = [
    { serialNumber: '01', revocationDate: NOW - DAY, reason: 'keyCompromise' },
    { serialNumber: 'ff00ff', revocationDate: NOW - 2 * DAY, reason: 'unspecified' },
    { serialNumber: Uint8Array.of(0, 0, 5), revocationDate: Date.UTC(2051, 0, 1), invalidityDate: NOW - 3 * DAY },
  ];
  const crl = parseCrl(await crlOf(entries));
  assert.equal(verifySignature(crl, parsePublicKeyInfo(pair.spki), nodeCrypto).ok, true);
  assert.equal(crl.version, 2);
  assert.equal(crl.thisUpdate, NOW);
  assert.equal(crl.nextUpdate, NOW + DAY);
  assert.equal(crl.crlNumber, 7n);
  assert.deepEqual(crl.authorityKeyId?.keyId, Uint8Array.of(1, 2, 3));
  assert.equal(crl.entryCount, 3);
  const seen: [string, CrlReason, number, number | undefined][] = [];
  crl.forEachEntry((entry) => {
    seen.push([entry.serialHex, entry.reason, entry.revocationDate, entry.invalidityDate]);
  });
  assert.deepEqual(seen, [
    ['01', 'keyCompromise', NOW - DAY, undefined],
    ['ff00ff', 'unspecified', NOW - 2 * DAY, undefined],
    ['05', 'unspecified', Date.UTC(2051, 0, 1), NOW - 3 * DAY],
  ]);
});

test('a serial number in hexadecimal stands in a CRL as its octets do; what is no hexadecimal is refused', () => {
  const tbsOf = (serialNumber: string | Uint8Array): Uint8Array =>
    buildCrlTbs(
      { issuer, thisUpdate: NOW, nextUpdate: NOW, entries: [{ serialNumber, revocationDate: NOW }], extensions: [] },
      signer.scheme,
    );
  for (const text of [
    '',
    '00',
    '0000',
    '01',
    '7f',
    '80',
    '0080',
    '00007f',
    'FF00',
    'a1b2c3',
    '9'.repeat(40),
    '000f00',
  ]) {
    assert.deepEqual(tbsOf(text), tbsOf(Uint8Array.from(Buffer.from(text, 'hex'))), text);
  }
  for (const text of ['1', 'abc', '0g', '00 1', ':0']) assert.throws(() => tbsOf(text), PkiError, text);
});

test('a CRL whose entries come bit by bit is the one that is built at once', async () => {
  const entries = Array.from({ length: 500 }, (_, i) => ({
    serialNumber: (0x8000 + i).toString(16),
    revocationDate: NOW - i * 500,
    reason: 'superseded' as const,
    invalidityDate: i % 3 === 0 ? NOW - DAY : undefined,
  }));
  const head = { issuer, thisUpdate: NOW, nextUpdate: NOW + DAY, extensions: [crlNumber(7n)] };
  const builder = new CrlBuilder(head, signer.scheme);
  for (let i = 0; i < entries.length; i += 7) builder.addAll(entries.slice(i, i + 7));
  assert.equal(builder.entryCount, 500);
  const der = await builder.sign(signer);
  assert.deepEqual(parseCrl(der).tbs, buildCrlTbs({ ...head, entries }, signer.scheme));
  assert.equal(verifySignature(parseCrl(der), parsePublicKeyInfo(pair.spki), nodeCrypto).ok, true);
});

test('a certificate is looked up by the content octets of its serial number', async () => {
  const crl = parseCrl(await crlOf([{ serialNumber: 'ff', revocationDate: NOW, reason: 'superseded' }]));
  assert.equal(crl.lookup(Uint8Array.of(0, 0xff))?.reason, 'superseded');
  // The content octets FF are the number -1: another certificate.
  assert.equal(crl.lookup(Uint8Array.of(0xff)), undefined);
  assert.equal(crl.lookup(Uint8Array.of(0, 0xff), other), undefined);
});

test('an empty CRL leaves the list out', async () => {
  const crl = parseCrl(await crlOf([]));
  assert.equal(crl.entryCount, 0);
  assert.equal(crl.lookup(Uint8Array.of(1)), undefined);
});

test('in an indirect CRL an issuer holds for the entries after it', async () => {
  const entries: CrlEntryTemplate[] = [
    { serialNumber: '01', revocationDate: NOW },
    { serialNumber: '02', revocationDate: NOW, certificateIssuer: [{ type: 'directory', value: other }] },
    { serialNumber: '01', revocationDate: NOW + 1000 },
  ];
  const crl = parseCrl(await crlOf(entries, [issuingDistributionPoint({ indirectCrl: true })]));
  assert.equal(crl.lookup(Uint8Array.of(1))?.revocationDate, NOW);
  assert.equal(crl.lookup(Uint8Array.of(1), other)?.revocationDate, NOW + 1000);
  assert.equal(crl.lookup(Uint8Array.of(2)), undefined);
  assert.notEqual(crl.lookup(Uint8Array.of(2), other), undefined);
});

test('entries of another issuer in a CRL that is not indirect are refused', async () => {
  const entries = [
    { serialNumber: '02', revocationDate: NOW, certificateIssuer: [{ type: 'directory', value: other }] as const },
  ];
  const der = await crlOf(entries);
  assert.throws(
    () => parseCrl(der),
    (error) => error instanceof PkiError && error.code === 'crl_malformed',
  );
});

test('a list from any iterable, signed with any kind of key, is one and the same encoding', async () => {
  const entries: readonly CrlEntryTemplate[] = Array.from({ length: 300 }, (_, i) => ({
    serialNumber: (i + 1).toString(16).padStart(40, '0'),
    revocationDate: NOW + i * 1000,
    reason: 'superseded',
  }));
  const template = { issuer, thisUpdate: NOW, nextUpdate: NOW + DAY, extensions: [crlNumber(1)] };
  for (const kind of ['ed25519', 'rsa2048', 'ml-dsa-44', 'ml-dsa-87'] as const) {
    const { privateKey, spki } = await generateKeyPair(kind);
    const by = nodeSigner(privateKey);
    const tbs = buildCrlTbs({ ...template, entries }, by.scheme);
    assert.deepEqual(buildCrlTbs({ ...template, entries: entries.values() }, by.scheme), tbs);
    const crl = parseCrl(await buildCrl({ ...template, entries: new Set(entries) }, by));
    assert.deepEqual(crl.tbs, tbs);
    assert.equal(crl.entryCount, 300);
    assert.equal(verifySignature(crl, parsePublicKeyInfo(spki), nodeCrypto).ok, true);
    // A signature that is larger than anything there is room for.
    const large = parseCrl(await buildCrl({ ...template, entries }, { ...by, sign: () => new Uint8Array(20_000) }));
    assert.equal(large.signature.length, 20_000);
    assert.deepEqual(large.tbs, tbs);
  }
});

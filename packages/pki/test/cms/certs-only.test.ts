import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  authorityKeyId,
  buildCertsOnly,
  buildCrl,
  concatOctets,
  crlNumber,
  der,
  parseCertificate,
  parseCertsOnly,
  parseCrl,
  pemDecode,
} from '@countersign/pki';
import { createRoot, temporaryFolder, TEST_TIME, without } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

const folder = join(import.meta.dirname, '../vectors/pyca/pkcs7');

describe('CMS certs-only', () => {
  let root: TestCa;
  let leaf: TestCertificate;
  let crl: Uint8Array;
  before(async () => {
    root = await createRoot('CMS', { now: TEST_TIME });
    leaf = await root.issue('leaf');
    crl = await buildCrl(
      {
        issuer: root.certificate.subject,
        thisUpdate: TEST_TIME,
        nextUpdate: TEST_TIME + 1000,
        entries: [],
        extensions: [crlNumber(1), authorityKeyId(Uint8Array.of(1))],
      },
      root.signer,
    );
  });

  const sorted = (list: readonly Uint8Array[]): string[] =>
    list.map((one) => Buffer.from(one).toString('hex')).toSorted();

  test('what is built is read', () => {
    const message = buildCertsOnly({ certificates: [leaf.der, root.der], crls: [crl] });
    const read = parseCertsOnly(message);
    assert.deepEqual(sorted(read.certificates), sorted([leaf.der, root.der]));
    assert.deepEqual(sorted(read.crls), sorted([crl]));
    assert.equal(parseCertificate(read.certificates[0] ?? new Uint8Array()).version, 3);
    assert.equal(parseCrl(read.crls[0] ?? new Uint8Array()).entryCount, 0);
    assert.deepEqual(parseCertsOnly(buildCertsOnly({ certificates: [], crls: [] })), { certificates: [], crls: [] });
  });

  test('openssl lists what we build', { skip: without('openssl') }, () => {
    const message = buildCertsOnly({ certificates: [leaf.der, root.der], crls: [crl] });
    const out = execFileSync('openssl', ['pkcs7', '-inform', 'DER', '-print_certs'], {
      input: message,
      encoding: 'utf8',
    });
    assert.equal(out.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.equal(out.match(/BEGIN X509 CRL/g)?.length, 1);
  });

  test('what openssl builds is read', { skip: without('openssl') }, () => {
    using folder = temporaryFolder();
    const chain = join(folder.path, 'chain.pem');
    writeFileSync(chain, leaf.pem + root.pem);
    const message = execFileSync('openssl', ['crl2pkcs7', '-nocrl', '-certfile', chain, '-outform', 'DER']);
    assert.deepEqual(sorted(parseCertsOnly(message).certificates), sorted([leaf.der, root.der]));
  });

  test('BER with indefinite lengths is read', () => {
    const content = buildCertsOnly({ certificates: [leaf.der], crls: [] });
    // The outermost SEQUENCE without its length, closed by end-of-contents octets.
    const headerLength = content[1] === 0x82 ? 4 : 3;
    const ber = concatOctets([Uint8Array.of(0x30, 0x80), content.subarray(headerLength), Uint8Array.of(0, 0)]);
    assert.deepEqual(parseCertsOnly(ber).certificates, [leaf.der]);
  });

  test('files of pyca', () => {
    const amazon = parseCertsOnly(readFileSync(join(folder, 'amazon-roots.der')));
    assert.equal(amazon.certificates.length, 2);
    const [isrg] = pemDecode(readFileSync(join(folder, 'isrg.pem')));
    assert.equal(isrg?.label, 'PKCS7');
    assert.equal(parseCertsOnly(isrg.der).certificates.length, 1);
    const [enveloped] = pemDecode(readFileSync(join(folder, 'enveloped.pem')));
    assert.throws(() => parseCertsOnly(enveloped?.der ?? new Uint8Array()), { code: 'cms_malformed' });
  });

  test('a message that signs or holds something is refused', () => {
    const signedData = (...parts: Uint8Array[]): Uint8Array =>
      der.sequence(der.oid('1.2.840.113549.1.7.2'), der.explicit(0, der.sequence(...parts)));
    const none = der.setOf([]);
    const data = der.oid('1.2.840.113549.1.7.1');
    assert.ok(parseCertsOnly(signedData(der.integer(1), none, der.sequence(data), none)));
    const wrong = [
      signedData(der.integer(1), none, der.sequence(data), der.setOf([der.sequence()])),
      signedData(der.integer(1), none, der.sequence(data, der.explicit(0, der.octetString(Uint8Array.of(1)))), none),
      signedData(der.integer(1), none, der.sequence(der.oid('1.2.3')), none),
      signedData(der.integer(0), none, der.sequence(data), none),
      der.sequence(data, der.explicit(0, der.octetString(Uint8Array.of(1)))),
    ];
    for (const message of wrong)
      assert.throws(() => parseCertsOnly(message), { name: 'PkiError', code: 'cms_malformed' });
    const attributeCertificate = der.constructed(0xa0, [der.constructed(0xa1, [])]);
    assert.throws(
      () => parseCertsOnly(signedData(der.integer(1), none, der.sequence(data), attributeCertificate, none)),
      {
        code: 'der_tag',
      },
    );
    const message = buildCertsOnly({ certificates: [leaf.der], crls: [] });
    for (let length = 0; length < message.length; length++) {
      assert.throws(() => parseCertsOnly(message.subarray(0, length)), { name: 'PkiError' });
    }
  });
});

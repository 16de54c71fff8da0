import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { concatOctets, der, fromHex, nameToString, OID, parseCertificate, PkiError, TAG } from '@countersign/pki';
import type { Certificate, PkiErrorCode } from '@countersign/pki';
import { ECDSA, extensionDer, extensionsDer, forge, GENERATOR, NAME } from './support/forge.ts';
import type { Parts } from './support/forge.ts';

const RSA = der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nullValue());
const nul = der.nullValue();
const ext = (oid: string, hex: string): Uint8Array => extensionsDer(extensionDer(oid, fromHex(hex)));
const EC = der.oid(OID.ecPublicKey);
const rsaKey = (modulus: bigint, exponent: bigint, parameters: Uint8Array | undefined = nul): Uint8Array =>
  der.sequence(
    der.sequence(der.oid(OID.rsaEncryption), parameters),
    der.bitString(der.sequence(der.integer(modulus), der.integer(exponent))),
  );
const ecKey = (parameters: Uint8Array | undefined, point: Uint8Array): Uint8Array =>
  der.sequence(der.sequence(EC, parameters), der.bitString(point));

test('the forged certificate is read when nothing is changed', () => {
  const certificate = parseCertificate(forge());
  assert.equal(certificate.version, 3);
  assert.equal(nameToString(certificate.subject), 'CN=a');
});

const cases: readonly [what: string, Partial<Parts>, PkiErrorCode][] = [
  ['version 1 spelled out', { version: der.explicit(0, der.integer(0)) }, 'der_default'],
  ['version 4', { version: der.explicit(0, der.integer(3)) }, 'cert_version'],
  ['a negative version', { version: der.explicit(0, der.integer(-1)) }, 'der_integer_range'],
  ['extensions in version 1', { version: undefined, extensions: ext('1.2.3', '') }, 'cert_version'],
  [
    'extensions in version 2',
    { version: der.explicit(0, der.integer(1)), extensions: ext('1.2.3', '') },
    'cert_version',
  ],
  [
    'a unique identifier in version 1',
    { version: undefined, uniqueIds: der.implicit(1, der.bitString(fromHex('00'))) },
    'cert_version',
  ],
  [
    'unique identifiers in the wrong order',
    { uniqueIds: concatOctets([2, 1].map((n) => der.implicit(n, der.bitString(fromHex('00'))))) },
    'der_trailing',
  ],
  ['a serial number with a leading zero', { serial: fromHex('02020001') }, 'der_integer'],
  ['an empty serial number', { serial: fromHex('0200') }, 'der_integer'],
  ['a text for the serial number', { serial: der.utf8String('1') }, 'der_tag'],
  ['another algorithm inside', { innerAlgorithm: RSA }, 'algorithm_mismatch'],
  [
    'the same algorithm with parameters NULL outside',
    { outerAlgorithm: der.sequence(der.oid('1.2.840.10045.4.3.2'), nul) },
    'algorithm_mismatch',
  ],
  [
    'octets behind the algorithm’s parameters',
    { innerAlgorithm: der.sequence(der.oid('1.2.3'), nul, nul) },
    'der_trailing',
  ],
  [
    'parameters that are no DER',
    { innerAlgorithm: der.sequence(der.oid('1.2.3'), fromHex('3003020200'), undefined) },
    'der_truncated',
  ],
  ['no subject', { subject: new Uint8Array(0) }, 'der_tag'],
  ['one date', { validity: der.sequence(der.time(0)) }, 'der_truncated'],
  ['three dates', { validity: der.sequence(der.time(0), der.time(0), der.time(0)) }, 'der_trailing'],
  ['a GeneralizedTime before 2050', { validity: der.sequence(der.generalizedTime(0), der.time(0)) }, 'der_time'],
  ['a signature with unused bits', { signature: der.bitString(fromHex('80'), 1) }, 'der_bit_string'],
  ['a signature that is an OCTET STRING', { signature: der.octetString(fromHex('80')) }, 'der_tag'],
  ['an element behind the extensions', { afterTbs: nul }, 'der_trailing'],
  ['an element behind the signature', { after: nul }, 'der_trailing'],

  ['explicit curve parameters', { spki: ecKey(der.sequence(der.integer(1)), GENERATOR) }, 'key_explicit_curve'],
  ['an elliptic curve key without a curve', { spki: ecKey(undefined, GENERATOR) }, 'algorithm_malformed'],
  ['an implicit curve', { spki: ecKey(nul, GENERATOR) }, 'der_tag'],
  ['a point of the wrong length', { spki: ecKey(der.oid(OID.p256), GENERATOR.subarray(0, 64)) }, 'key_malformed'],
  ['a point at infinity', { spki: ecKey(der.oid(OID.p256), fromHex('00')) }, 'key_malformed'],
  ['a hybrid point', { spki: ecKey(der.oid(OID.p256), Uint8Array.of(6, ...GENERATOR.subarray(1))) }, 'key_malformed'],
  ['a point of another curve', { spki: ecKey(der.oid(OID.p384), GENERATOR) }, 'key_malformed'],
  [
    'an RSA key without parameters',
    {
      spki: der.sequence(
        der.sequence(der.oid(OID.rsaEncryption)),
        der.bitString(der.sequence(der.integer(15), der.integer(3))),
      ),
    },
    'algorithm_malformed',
  ],
  ['a negative RSA modulus', { spki: rsaKey(-15n, 3n) }, 'key_malformed'],
  ['an even RSA modulus', { spki: rsaKey(2n ** 2047n, 65537n) }, 'key_malformed'],
  ['RSA exponent 1', { spki: rsaKey(15n, 1n) }, 'key_malformed'],
  ['an even RSA exponent', { spki: rsaKey(15n, 65536n) }, 'key_malformed'],
  ['RSA modulus zero', { spki: rsaKey(0n, 3n) }, 'key_malformed'],
  [
    'a short Ed25519 key',
    { spki: der.sequence(der.sequence(der.oid(OID.ed25519)), der.bitString(new Uint8Array(31))) },
    'key_malformed',
  ],
  [
    'an Ed25519 key with parameters',
    { spki: der.sequence(der.sequence(der.oid(OID.ed25519), nul), der.bitString(new Uint8Array(32))) },
    'algorithm_malformed',
  ],
  [
    'a short ML-DSA key',
    { spki: der.sequence(der.sequence(der.oid(OID.mlDsa65)), der.bitString(new Uint8Array(1951))) },
    'key_malformed',
  ],
  [
    'a key with unused bits',
    { spki: der.sequence(der.sequence(EC, der.oid(OID.p256)), der.bitString(GENERATOR.with(64, 0xf0), 1)) },
    'der_bit_string',
  ],

  ['no extension in the list', { extensions: der.explicit(3, der.sequence()) }, 'ext_malformed'],
  [
    'two lists of extensions',
    { extensions: der.explicit(3, concatOctets([ext('1.2.3', '').subarray(2), ext('1.2.4', '').subarray(2)])) },
    'der_trailing',
  ],
  [
    'a known extension twice',
    {
      extensions: extensionsDer(
        extensionDer(OID.keyUsage, fromHex('03020780')),
        extensionDer(OID.keyUsage, fromHex('03020780')),
      ),
    },
    'ext_duplicate',
  ],
  [
    'an unknown extension twice',
    { extensions: extensionsDer(extensionDer('1.2.3', nul), extensionDer('1.2.4', nul), extensionDer('1.2.3', nul)) },
    'ext_duplicate',
  ],
  [
    '129 extensions',
    { extensions: extensionsDer(...Array.from({ length: 129 }, (_, i) => extensionDer(`1.2.${i}`, nul))) },
    'ext_too_many',
  ],
  [
    'an extension without a value',
    { extensions: der.explicit(3, der.sequence(der.sequence(der.oid('1.2.3')))) },
    'der_truncated',
  ],
  [
    'octets behind an extension’s value',
    { extensions: der.explicit(3, der.sequence(der.sequence(der.oid('1.2.3'), der.octetString(nul), nul))) },
    'der_trailing',
  ],
];

for (const [what, changes, code] of cases) {
  test(`a certificate with ${what} is refused`, () => {
    assert.throws(
      () => parseCertificate(forge(changes)),
      (error) => {
        assert.ok(error instanceof PkiError, String(error));
        assert.equal(error.code, code);
        return true;
      },
    );
  });
}

test('octets behind the certificate are refused, and an empty input', () => {
  assert.throws(() => parseCertificate(concatOctets([forge(), Uint8Array.of(0)])), PkiError);
  assert.throws(() => parseCertificate(new Uint8Array(0)), PkiError);
});

test('a serial number that policy may refuse is kept as it is', () => {
  const serials: readonly [Uint8Array, string][] = [
    [der.integer(0), '00'],
    [der.integer(-1), 'ff'],
    [der.integer(255), 'ff'],
    [der.integer(2n ** 400n), `01${'00'.repeat(50)}`],
  ];
  for (const [serial, hex] of serials) {
    const certificate = parseCertificate(forge({ serial }));
    assert.equal(certificate.serialHex, hex);
    assert.deepEqual(certificate.serialNumber, serial.subarray(2));
  }
});

test('a NUL in a name cuts nothing off', () => {
  const san = der.sequence(
    der.asciiString(0x82, 'good.example\0.evil.example'),
    der.asciiString(0x86, 'spiffe://a\0/b'),
    der.asciiString(0x81, 'a\0@b'),
  );
  const certificate = parseCertificate(forge({ extensions: extensionsDer(extensionDer(OID.subjectAltName, san)) }));
  assert.deepEqual(certificate.subjectAltName, [
    { type: 'dns', value: 'good.example\0.evil.example' },
    { type: 'uri', value: 'spiffe://a\0/b' },
    { type: 'email', value: 'a\0@b' },
  ]);
});

test('text that looks like a joined list stays one name', () => {
  const san = der.sequence(der.asciiString(0x82, 'evil, DNS:good.example'));
  const certificate = parseCertificate(forge({ extensions: extensionsDer(extensionDer(OID.subjectAltName, san)) }));
  assert.deepEqual(certificate.subjectAltName, [{ type: 'dns', value: 'evil, DNS:good.example' }]);
});

test('ten thousand names are read; a certificate beyond the limit is not', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => der.asciiString(0x82, `host-${i}.example`));
  const large = forge({
    extensions: extensionsDer(extensionDer(OID.subjectAltName, der.constructed(TAG.SEQUENCE, names))),
  });
  assert.equal(parseCertificate(large).subjectAltName?.length, 10_000);
  assert.throws(
    () => parseCertificate(large, { maxBytes: 100_000 }),
    (error) => error instanceof PkiError && error.code === 'der_size',
  );
});

test('unknown critical extensions are told, unknown others are not', () => {
  const certificate = parseCertificate(
    forge({
      extensions: extensionsDer(
        extensionDer('1.2.3', nul, true),
        extensionDer('1.2.4', nul),
        extensionDer(OID.keyUsage, fromHex('03020780'), true),
      ),
    }),
  );
  assert.deepEqual(certificate.unknownCriticalExtensions, ['1.2.3']);
  assert.equal(certificate.isCritical(OID.keyUsage), true);
  assert.equal(certificate.isCritical('1.2.4'), false);
});

test('the certificate has its own copy of the octets', () => {
  const encoded = forge();
  const certificate = parseCertificate(encoded);
  encoded.fill(0);
  assert.equal(nameToString(certificate.subject), 'CN=a');
  assert.deepEqual(certificate.der, forge());
});

/** Asks for everything: what was accepted must never throw later. */
function touch(certificate: Certificate): void {
  for (const key of Object.getOwnPropertyNames(Object.getPrototypeOf(certificate))) {
    void (certificate as unknown as Record<string, unknown>)[key];
  }
  void [certificate.issuer.key, nameToString(certificate.subject), certificate.spki.der, certificate.spki.bits];
}

const rich = forge({
  uniqueIds: der.implicit(1, der.bitString(fromHex('80'), 7)),
  extensions: extensionsDer(
    extensionDer(OID.basicConstraints, fromHex('30060101ff020100'), true),
    extensionDer(OID.keyUsage, fromHex('03020106'), true),
    extensionDer(
      OID.subjectAltName,
      der.sequence(
        der.asciiString(0x82, 'a.b'),
        der.explicit(4, NAME),
        der.implicit(0, der.sequence(der.oid('1.2.3'), der.explicit(0, nul))),
      ),
    ),
    extensionDer(OID.nameConstraints, fromHex('300ba0093007820561622e6364')),
    extensionDer(
      OID.authorityKeyIdentifier,
      der.sequence(
        der.element(0x80, fromHex('0102')),
        der.constructed(0xa1, [der.explicit(4, NAME)]),
        der.integer(5, 0x82),
      ),
    ),
    extensionDer(
      OID.certificatePolicies,
      der.sequence(
        der.sequence(
          der.oid('1.2.3'),
          der.sequence(der.sequence(der.oid(OID.cps), der.asciiString(TAG.IA5_STRING, 'http://a'))),
        ),
      ),
    ),
    extensionDer(
      OID.crlDistributionPoints,
      der.sequence(
        der.sequence(
          der.explicit(0, der.constructed(0xa0, [der.asciiString(0x86, 'http://a')])),
          der.namedBits(6, 0x81),
        ),
      ),
    ),
    extensionDer(
      OID.authorityInfoAccess,
      der.sequence(der.sequence(der.oid(OID.ocsp), der.asciiString(0x86, 'http://a'))),
    ),
    extensionDer(OID.extendedKeyUsage, der.sequence(der.oid(OID.clientAuth))),
    extensionDer(OID.policyConstraints, fromHex('3006800100810101')),
  ),
});

test('whatever octets are changed, only a PkiError is thrown, and nothing is thrown later', () => {
  touch(parseCertificate(rich));
  const change = fc.tuple(fc.nat(rich.length - 1), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.option(fc.nat(rich.length), { nil: undefined }),
      (changes, cut) => {
        const mutant = rich.slice(0, cut);
        for (const [at, octet] of changes) if (at < mutant.length) mutant[at] = octet;
        let certificate: Certificate;
        try {
          certificate = parseCertificate(mutant);
        } catch (error) {
          assert.ok(error instanceof PkiError, String(error));
          return;
        }
        touch(certificate);
      },
    ),
    { numRuns: 5000 },
  );
});

test('an inner algorithm that differs is kept when that was asked for', () => {
  const certificate = parseCertificate(forge({ innerAlgorithm: RSA }), { allowAlgorithmMismatch: true });
  assert.equal(certificate.signatureAlgorithm.oid, '1.2.840.10045.4.3.2');
  assert.equal(certificate.tbsSignatureAlgorithm.oid, '1.2.840.113549.1.1.11');
  assert.deepEqual(certificate.signatureAlgorithm.der, ECDSA);
});

// Chains and CRLs of Mbed TLS's suite. They are of SHA-1, SHA-224 and RSA-1024 at times, so they run under `legacy`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeCrypto } from '@countersign/trust';
import {
  buildAndValidate,
  crlChecker,
  parseCertificate,
  parseCrl,
  pemDecode,
  PkiError,
  trustAnchor,
  type Certificate,
  type PathOptions,
} from '../../src/index.ts';

const folder = join(import.meta.dirname, '../vectors/mbedtls/chains');

function blocks(file: string, label: string): Uint8Array[] {
  const bytes = new Uint8Array(readFileSync(join(folder, file)));
  // A DER file; what follows the certificate in it is part of the case.
  if (bytes[0] === 0x30) return [bytes];
  return pemDecode(bytes).flatMap((block) => (block.label === label ? [block.der] : []));
}

const certificates = (file: string): Certificate[] => blocks(file, 'CERTIFICATE').map((der) => parseCertificate(der));
const ROOTS = ['test-ca.crt', 'test-ca2.crt', 'enco-ca-prstr.pem'];

interface Judgement {
  readonly roots?: readonly string[];
  readonly crls?: readonly string[];
  readonly purpose?: NonNullable<PathOptions['purpose']>;
  readonly algorithms?: NonNullable<PathOptions['algorithms']>;
}

/** The code of the verdict on the first certificate of a file, whose others stand between; of the parser where it refuses. */
function verdictOn(
  file: string,
  { roots = ROOTS, crls, purpose = 'any', algorithms = 'legacy' }: Judgement = {},
): string {
  try {
    const [leaf, ...intermediates] = certificates(file);
    assert.ok(leaf);
    const result = buildAndValidate(leaf, {
      anchors: roots.flatMap(certificates).map(trustAnchor),
      intermediates,
      time: Date.parse('2026-06-01T00:00:00Z'),
      crypto: nodeCrypto,
      algorithms,
      purpose,
      ...(crls !== undefined && {
        revocation: crlChecker({
          crls: crls.flatMap((name) => blocks(name, 'X509 CRL').map((der) => parseCrl(der))),
          scope: 'leaf',
        }),
      }),
    });
    return result.ok ? 'valid' : result.code;
  } catch (error) {
    assert.ok(error instanceof PkiError);
    return error.code;
  }
}

describe('certificates of Mbed TLS', () => {
  const expected: Readonly<Record<string, string>> = {
    'server1.crt': 'valid',
    'server1.v1.crt': 'valid',
    'server1.80serial.crt': 'valid',
    'server2.crt': 'valid',
    'server2-badsign.crt': 'signature_invalid',
    // ecdsa-with-SHA256 with parameters NULL. RFC 5758, 3.2: "the encoding MUST omit the parameters field".
    'server4.crt': 'algorithm_refused',
    'server5.eku-cli.crt': 'algorithm_refused',
    'server5.crt': 'valid',
    'server5-badsign.crt': 'signature_invalid',
    'server5-expired.crt': 'expired',
    'server5-future.crt': 'not_yet_valid',
    'server5-selfsigned.crt': 'no_issuer',
    'server5-ss-expired.crt': 'no_issuer',
    'server5-ss-forgeca.crt': 'no_issuer',
    'server5-sha1.crt': 'valid',
    'server5-sha224.crt': 'valid',
    'server5-sha384.crt': 'valid',
    'server5-sha512.crt': 'valid',
    // One octet more or less behind the certificate is another file.
    'server5-der0.crt': 'valid',
    'server5-der1a.crt': 'der_trailing',
    'server5-der1b.crt': 'der_trailing',
    'server5-der2.crt': 'der_trailing',
    'server5-der9.crt': 'der_trailing',
    'server6.crt': 'valid',
    'server7.crt': 'no_issuer',
    'server7_int-ca.crt': 'valid',
    'server7_int-ca_ca2.crt': 'valid',
    'server7_spurious_int-ca.crt': 'valid',
    'server7_int-ca-exp.crt': 'expired',
    'server7-badsign.crt': 'signature_invalid',
    'server7-expired.crt': 'expired',
    'server7-future.crt': 'not_yet_valid',
    // RSASSA-PSS
    'server9.crt': 'valid',
    'server9-defaults.crt': 'valid',
    'server9-sha224.crt': 'valid',
    'server9-sha256.crt': 'valid',
    'server9-sha384.crt': 'valid',
    'server9-sha512.crt': 'valid',
    'server9-with-ca.crt': 'valid',
    'server9-badsign.crt': 'signature_invalid',
    'server9-bad-saltlen.crt': 'signature_invalid',
    'server9-bad-mgfhash.crt': 'algorithm_refused',
    'cert_md5.crt': 'algorithm_refused',
    'cert_sha1.crt': 'valid',
    'cert_sha224.crt': 'valid',
    'cert_sha256.crt': 'valid',
    'cert_sha384.crt': 'valid',
    'cert_sha512.crt': 'valid',
    'cert_v1_with_ext.crt': 'cert_version',
    'ecdsa_secp256r1.crt': 'valid',
    'ecdsa_secp384r1.crt': 'valid',
    'ecdsa_secp521r1.crt': 'valid',
    // The issuer's name is a PrintableString here and a UTF8String there.
    'enco-cert-utf8str.pem': 'valid',
    // A BOOLEAN of 01, which is BER.
    'cert11.crt': 'der_boolean',
  };
  for (const [file, code] of Object.entries(expected))
    test(`${file}: ${code}`, () => assert.equal(verdictOn(file), code));

  test('SHA-1, SHA-224 and RSA-1024 count under legacy alone, MD5 nowhere', () => {
    for (const file of [
      'server5-sha1.crt',
      'server5-sha224.crt',
      'server9-sha224.crt',
      'cert_sha224.crt',
      'cert_md5.crt',
    ]) {
      assert.equal(verdictOn(file, { algorithms: 'modern' }), 'algorithm_refused', file);
    }
    assert.equal(verdictOn('server5.crt', { algorithms: 'modern' }), 'valid');
  });

  test('the key usage must fit what the certificate is used for', () => {
    const found = ['ds', 'ke', 'ka', 'ds_ke'].map((usage) =>
      (['client', 'server'] as const).map((purpose) => verdictOn(`server2.ku-${usage}.crt`, { purpose })),
    );
    assert.deepEqual(found, [
      ['valid', 'valid'],
      ['key_usage', 'valid'],
      ['key_usage', 'valid'],
      ['valid', 'valid'],
    ]);
  });

  test('a CA whose key usage is another signs no certificate, and one without cRLSign no CRL', () => {
    const ofCa = (usage: string, crls?: readonly string[]): string =>
      verdictOn('server5.crt', { roots: [`test-ca2.ku-${usage}.crt`], ...(crls && { crls }) });
    assert.equal(ofCa('crl'), 'ca_key_usage');
    assert.equal(ofCa('ds'), 'ca_key_usage');
    assert.equal(ofCa('crt'), 'valid');
    assert.equal(ofCa('crt', ['crl-ec-sha256.pem']), 'revocation_unknown');
    assert.equal(ofCa('crt_crl', ['crl-ec-sha256.pem']), 'valid');
    assert.equal(verdictOn('server5.crt', { roots: ['test-ca2-expired.crt'] }), 'expired');
  });
});

describe('CRLs of Mbed TLS', () => {
  // In the order of server1, server2, server5 and server6: the first and the last are on their issuers' lists.
  const expected: Readonly<Record<string, readonly string[]>> = {
    'crl.pem': ['revoked', 'valid', 'revocation_unknown', 'revocation_unknown'],
    'crl-ec-sha1.pem': ['revocation_unknown', 'revocation_unknown', 'valid', 'revoked'],
    'crl-ec-sha256.pem': ['revocation_unknown', 'revocation_unknown', 'valid', 'revoked'],
    'crl_cat_ec-rsa.pem': ['revoked', 'valid', 'valid', 'revoked'],
    'crl_cat_rsa-ec.pem': ['revoked', 'valid', 'valid', 'revoked'],
    'crl_expired.pem': ['revocation_unknown', 'revocation_unknown', 'revocation_unknown', 'revocation_unknown'],
    'crl-future.pem': ['revocation_unknown', 'revocation_unknown', 'revocation_unknown', 'revocation_unknown'],
    'crl-rsa-pss-sha1.pem': ['valid', 'valid', 'revocation_unknown', 'revocation_unknown'],
    'crl-rsa-pss-sha224.pem': ['valid', 'valid', 'revocation_unknown', 'revocation_unknown'],
    'crl-rsa-pss-sha256.pem': ['valid', 'valid', 'revocation_unknown', 'revocation_unknown'],
    'crl-rsa-pss-sha384.pem': ['valid', 'valid', 'revocation_unknown', 'revocation_unknown'],
    'crl-rsa-pss-sha512.pem': ['valid', 'valid', 'revocation_unknown', 'revocation_unknown'],
    'crl-rsa-pss-sha1-badsign.pem': Array<string>(4).fill('revocation_unknown'),
  };
  for (const [file, codes] of Object.entries(expected)) {
    test(file, () => {
      const leaves = ['server1.crt', 'server2.crt', 'server5.crt', 'server6.crt'];
      assert.deepEqual(
        leaves.map((leaf) => verdictOn(leaf, { crls: [file] })),
        codes,
      );
    });
  }
});

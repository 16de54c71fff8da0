import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { concatOctets, der, fromHex, OID, parseCsr, pemDecode, PkiError, verifySignature } from '@countersign/pki';
import type { Csr, PkiErrorCode } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { ECDSA, extensionDer, NAME, SPKI } from '../x509/support/forge.ts';

const nul = der.nullValue();

function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return der.sequence(der.oid(type), der.setOf(values));
}

function forge(
  attributes: Uint8Array | undefined,
  changes: { version?: Uint8Array; after?: Uint8Array } = {},
): Uint8Array {
  const info = der.sequence(changes.version ?? der.integer(0), NAME, SPKI, attributes);
  return der.sequence(info, ECDSA, der.bitString(fromHex('3000')), changes.after);
}

const set = (...attributes: readonly Uint8Array[]): Uint8Array => der.constructed(0xa0, attributes);
const request = (...extensions: readonly Uint8Array[]): Uint8Array =>
  attribute(OID.extensionRequest, der.sequence(...extensions));

const cases: readonly [what: string, Uint8Array, PkiErrorCode][] = [
  ['another version', forge(set(), { version: der.integer(1) }), 'csr_malformed'],
  ['no attributes at all', forge(undefined), 'der_truncated'],
  ['an attribute twice', forge(set(attribute('1.2.3', nul), attribute('1.2.3', nul))), 'csr_malformed'],
  ['an attribute without a value', forge(set(attribute('1.2.3'))), 'csr_malformed'],
  ['33 attributes', forge(set(...Array.from({ length: 33 }, (_, i) => attribute(`1.2.${i}`, nul)))), 'csr_malformed'],
  [
    'two lists of extensions in one attribute',
    forge(
      set(
        attribute(
          OID.extensionRequest,
          der.sequence(extensionDer('1.2.3', nul)),
          der.sequence(extensionDer('1.2.4', nul)),
        ),
      ),
    ),
    'csr_malformed',
  ],
  ['an empty list of extensions', forge(set(request())), 'ext_malformed'],
  [
    'a requested extension twice',
    forge(set(request(extensionDer('1.2.3', nul), extensionDer('1.2.3', nul)))),
    'ext_duplicate',
  ],
  [
    'a malformed requested SAN',
    forge(set(request(extensionDer(OID.subjectAltName, fromHex('3000'))))),
    'general_name_malformed',
  ],
  ['a challenge password that is no text', forge(set(attribute(OID.challengePassword, der.integer(5)))), 'der_string'],
  [
    'two challenge passwords',
    forge(set(attribute(OID.challengePassword, der.utf8String('a'), der.utf8String('b')))),
    'csr_malformed',
  ],
  ['an element behind the signature', forge(set(), { after: nul }), 'der_trailing'],
  ['octets behind it', concatOctets([forge(set()), nul]), 'der_trailing'],
];

for (const [what, encoded, code] of cases) {
  test(`a request with ${what} is refused`, () => {
    assert.throws(
      () => parseCsr(encoded),
      (error) => {
        assert.ok(error instanceof PkiError, String(error));
        assert.equal(error.code, code);
        return true;
      },
    );
  });
}

test('a request beyond the limit is refused', () => {
  assert.throws(() => parseCsr(forge(set(attribute('1.2.3', der.octetString(new Uint8Array(70_000)))))), PkiError);
});

const rich = forge(
  set(
    attribute(OID.challengePassword, der.utf8String('a')),
    request(extensionDer(OID.subjectAltName, der.sequence(der.asciiString(0x82, 'a')))),
  ),
);

test('whatever octets are changed, only a PkiError is thrown', () => {
  const change = fc.tuple(fc.nat(rich.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const mutant = rich.slice();
      for (const [at, octet] of changes) mutant[at] = octet;
      try {
        const { subject, requestedExtensions } = parseCsr(mutant);
        void [subject.key, requestedExtensions.list];
      } catch (error) {
        assert.ok(error instanceof PkiError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

const vectors = join(import.meta.dirname, '../vectors');

function outcome(encoded: Uint8Array): string {
  let csr: Csr;
  try {
    csr = parseCsr(encoded);
  } catch (error) {
    assert.ok(error instanceof PkiError, String(error));
    return error.code;
  }
  const result = verifySignature(csr, csr.spki, nodeCrypto);
  return result.ok ? 'ok' : result.code;
}

test('the malformed requests of Mbed TLS are refused, each for what is wrong in it', () => {
  const folder = join(vectors, 'mbedtls/parse_input');
  const outcomes: Record<string, string> = {};
  for (const file of readdirSync(folder)
    .filter((name) => name.startsWith('test_csr_v3_all'))
    .toSorted()) {
    outcomes[file.replace(/^test_csr_v3_all_?/, '').replace('.csr.der', '')] = outcome(
      readFileSync(join(folder, file)),
    );
  }
  assert.deepEqual(outcomes, {
    // The whole request, from which the others were made.
    '': 'ok',
    malformed_attributes_extension_request: 'signature_invalid',
    malformed_attributes_extension_request_sequence_len1: 'der_truncated',
    malformed_attributes_extension_request_sequence_len2: 'der_truncated',
    malformed_attributes_extension_request_sequence_tag: 'der_tag',
    malformed_attributes_extension_request_set_tag: 'der_tag',
    malformed_attributes_id_tag: 'der_tag',
    malformed_attributes_len1: 'der_truncated',
    malformed_attributes_len2: 'der_truncated',
    malformed_attributes_sequence_tag: 'der_tag',
    malformed_duplicated_extension: 'ext_duplicate',
    malformed_extension_data_len1: 'der_truncated',
    malformed_extension_data_len2: 'der_truncated',
    malformed_extension_data_tag: 'der_tag',
    malformed_extension_id_tag: 'der_tag',
    // netscape-cert-type, whose content is not ours to read: another attribute, or an extension that is not granted.
    malformed_extension_ns_cert_bitstream_tag: 'signature_invalid',
    malformed_extension_subject_alt_name_sequence_tag: 'der_tag',
    malformed_extension_type_oid: 'der_oid',
    malformed_extensions_sequence_tag: 'der_tag',
  });
});

test('the requests of pyca/cryptography are read or refused as they should be', () => {
  const folder = join(vectors, 'pyca/x509/requests');
  const outcomes: Record<string, string> = {};
  for (const file of readdirSync(folder).toSorted()) {
    const octets = readFileSync(join(folder, file));
    if (file.endsWith('.der')) outcomes[file] = outcome(octets);
    else for (const block of pemDecode(octets)) outcomes[file] = outcome(block.der);
  }
  const refused = Object.fromEntries(Object.entries(outcomes).filter(([, result]) => result !== 'ok'));
  assert.ok(Object.keys(outcomes).length > Object.keys(refused).length + 10);
  assert.deepEqual(refused, {
    // The openssl command refuses the signatures of the four with signature_invalid too.
    'bad-version.pem': 'csr_malformed',
    'basic_constraints.pem': 'signature_invalid',
    'invalid_signature.pem': 'signature_invalid',
    'unsupported_extension.pem': 'signature_invalid',
    'unsupported_extension_critical.pem': 'signature_invalid',
    'challenge-invalid.der': 'der_string',
    'challenge-multi-valued.der': 'csr_malformed',
    // A tag of more than one octet.
    'long-form-attribute.pem': 'der_tag',
    'rsa_md4.der': 'signature_algorithm_unsupported',
    'rsa_md4.pem': 'signature_algorithm_unsupported',
    'two_basic_constraints.pem': 'ext_duplicate',
  });
});

test('the requests of Mbed TLS are read, and prove possession except where the digest is MD5', () => {
  const folder = join(vectors, 'mbedtls/parse_input');
  const outcomes: Record<string, string> = {};
  for (const file of readdirSync(folder)
    .filter((name) => /\.req\.[a-z0-9_]+$/.test(name))
    .toSorted()) {
    for (const block of pemDecode(readFileSync(join(folder, file)))) outcomes[file] = outcome(block.der);
  }
  const others = Object.entries(outcomes).filter(([, result]) => result !== 'ok');
  assert.equal(Object.keys(outcomes).length, 17);
  assert.deepEqual(others, [['server1.req.md5', 'signature_algorithm_unsupported']]);
});

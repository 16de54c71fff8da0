// BoringSSL's cases for its path builder and its name constraints.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeCrypto } from '@countersign/trust';
import {
  buildAndValidate,
  DerReader,
  nameToString,
  parseCertificate,
  parseName,
  pemDecode,
  PkiError,
  readGeneralNames,
  TAG,
  trustAnchor,
  type Certificate,
} from '../../src/index.ts';
import { compileConstraints } from '../../src/path/names/constraints.ts';
import { readNameConstraints } from '../../src/x509/extensions/constraints.ts';

const vectors = join(import.meta.dirname, '../vectors/boringssl-pki');

describe('path building', () => {
  const folder = join(vectors, 'path_builder_unittest');
  const read = (file: string): Certificate[] =>
    pemDecode(readFileSync(join(folder, file))).flatMap(({ label, der }) =>
      label === 'CERTIFICATE' ? [parseCertificate(der)] : [],
    );

  function issuersFor(leaf: string, roots: readonly string[], others: readonly string[], time: string): string[] {
    const [target] = read(leaf);
    assert.ok(target);
    const result = buildAndValidate(target, {
      anchors: roots.flatMap(read).map(trustAnchor),
      intermediates: others.flatMap(read),
      time: Date.parse(time),
      crypto: nodeCrypto,
    });
    if (!result.ok) return [result.code];
    return result.path.map(({ issuer }) => nameToString(issuer).replace('CN=', '').replace(' - Multi-root', ''));
  }

  const multiRoot = (name: string): string => `multi-root-${name}.pem`;
  const all = ['B-by-C', 'B-by-F', 'C-by-D', 'C-by-E', 'F-by-E'].map(multiRoot);
  const among = (root: string, others: readonly string[] = all): string[] =>
    issuersFor(multiRoot('A-by-B'), [multiRoot(root)], others, '2017-03-01T00:00:00Z');

  test('among several roots and cross certificates the way to the trusted one is found', () => {
    assert.deepEqual(among('D-by-D'), ['B CA', 'C CA', 'D Root CA', 'D Root CA']);
    assert.deepEqual(among('E-by-E', [multiRoot('B-by-F'), multiRoot('F-by-E')]), [
      'B CA',
      'F CA',
      'E Root CA',
      'E Root CA',
    ]);
    assert.equal(among('E-by-E').at(-1), 'E Root CA');
  });

  test('without the certificate that leads there is no way', () => {
    assert.deepEqual(among('D-by-D', [multiRoot('B-by-F'), multiRoot('F-by-E'), multiRoot('E-by-E')]), ['no_issuer']);
  });

  test('a trusted certificate need not be self-signed, and may be the target', () => {
    assert.deepEqual(among('C-by-D'), ['B CA', 'C CA', 'D Root CA']);
    assert.deepEqual(among('A-by-B'), ['B CA']);
  });

  const prioritized = {
    key_id_prioritization: ['Intermediate', 'Root', 'Root'],
    key_id_name_and_serial_prioritization: ['Intermediate', 'Root', 'Root'],
    validity_date_prioritization: ['Intermediate', 'Root', 'Root'],
    self_issued_prioritization: ['Root1', 'Root1'],
  };
  for (const [name, issuers] of Object.entries(prioritized)) {
    test(`${name}: among many of one name the one that fits is found`, () => {
      const files = readdirSync(join(folder, name)).map((file) => `${name}/${file}`);
      const roots = files.filter((file) => /root\d?\.pem$/.test(file));
      const others = files.filter((file) => !roots.includes(file) && !file.endsWith('target.pem'));
      assert.deepEqual(issuersFor(`${name}/target.pem`, roots, others, '2016-07-02T12:00:00Z'), issuers);
    });
  }

  test('a precertificate is no certificate: its poison extension is critical', () => {
    const file = 'precertificate/precertificate.pem';
    assert.deepEqual(issuersFor(file, ['precertificate/root.pem'], [], '2023-10-01T00:00:00Z'), ['critical_extension']);
  });
});

describe('name constraints', () => {
  const folder = join(vectors, 'name_constraints_unittest');

  function codeOf(label: string, der: Uint8Array): string {
    try {
      const reader = new DerReader(der);
      if (label === 'NAME') parseName(der);
      else if (label === 'SUBJECT ALTERNATIVE NAME') readGeneralNames(reader, TAG.SEQUENCE, true);
      else {
        const constraints = readNameConstraints(reader, true);
        assert.ok(constraints);
        return compileConstraints(constraints, true).malformed === undefined ? 'ok' : 'unusable';
      }
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof PkiError);
      return error.code;
    }
  }

  test('exactly the malformed constraints and names are refused', () => {
    const refused: Record<string, string> = {};
    let accepted = 0;
    for (const file of readdirSync(folder).toSorted()) {
      for (const { label, der } of pemDecode(readFileSync(join(folder, file)))) {
        const code = codeOf(label, der);
        if (code === 'ok') accepted++;
        else refused[file] = code;
      }
    }
    assert.deepEqual(refused, {
      // `permitted.example3.com.`, with a dot at its end, in all three
      'directoryname_and_dnsname.pem': 'unusable',
      'directoryname_and_dnsname_and_ipaddress.pem': 'unusable',
      'dnsname.pem': 'unusable',
      'dnsname-exclude_dot.pem': 'unusable',
      'dnsname-permitted_two_dot.pem': 'unusable',
      // Section 4.2.1.10 knows the leading dot for URIs alone. (Without `strict` it means "at least one more label".)
      'dnsname-excluded_with_leading_dot.pem': 'unusable',
      'dnsname-permitted_with_leading_dot.pem': 'unusable',
      // "minimum MUST be zero, and maximum MUST be absent", and DER leaves a zero out that is the default.
      'dnsname-with_max.pem': 'ext_malformed',
      'dnsname-with_min_0.pem': 'ext_malformed',
      'dnsname-with_min_0_and_max.pem': 'ext_malformed',
      'dnsname-with_min_1.pem': 'ext_malformed',
      'dnsname-with_min_1_and_max.pem': 'ext_malformed',
      'invalid-empty_excluded_subtree.pem': 'ext_malformed',
      'invalid-empty_permitted_subtree.pem': 'ext_malformed',
      'invalid-no_subtrees.pem': 'ext_malformed',
      'ipaddress-invalid_addr.pem': 'general_name_malformed',
      'ipaddress-invalid_mask_not_contiguous_1.pem': 'unusable',
      'ipaddress-invalid_mask_not_contiguous_2.pem': 'unusable',
      'ipaddress-invalid_mask_not_contiguous_3.pem': 'unusable',
      'ipaddress-invalid_mask_not_contiguous_4.pem': 'unusable',
      // The value of an otherName stands in `[0] EXPLICIT`; here it does not.
      'othername-excluded.pem': 'der_tag',
      'othername-permitted.pem': 'der_tag',
      'san-othername.pem': 'der_tag',
      // `@example.com` and an address are neither a mailbox, a host nor a domain.
      'rfc822name-excluded-hostnamewithat.pem': 'unusable',
      'rfc822name-excluded-ipv4.pem': 'unusable',
      'rfc822name-permitted-hostnamewithat.pem': 'unusable',
      'rfc822name-permitted-ipv4.pem': 'unusable',
      'san-invalid-empty.pem': 'general_name_malformed',
      'san-invalid-ipaddress.pem': 'general_name_malformed',
      // A whole URI: the constraint is on its host.
      'uri-excluded.pem': 'unusable',
      'uri-permitted.pem': 'unusable',
    });
    assert.equal(accepted, 76);
  });
});

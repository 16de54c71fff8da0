import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as pki from '../../src/index.ts';
import type { LintCode, LintFinding } from '../../src/index.ts';
import {
  caExtensions,
  certificate,
  changed,
  changedCa,
  clientExtensions,
  crl,
  crlEntry,
  crlExtensions,
} from './samples.ts';
import { issuerName, named, sampleTime, spkis, subjectName, withExtensions } from './samples.ts';

const { buildName, der, lintCertificate, lintCrl, OID } = pki;
const empty = buildName([]);
const text = (tag: number, value: string): Uint8Array => der.asciiString(tag, value);
const attribute = (oid: string, value: Uint8Array): pki.Name =>
  pki.parseName(der.sequence(der.setOf([der.sequence(der.oid(oid), value)])));
const name = (value: pki.Name): readonly LintFinding[] => lintCertificate(certificate({ subject: value }));
const critical = (extension: pki.Extension, is = true): pki.Extension => ({ ...extension, critical: is });
const notice = (value: Uint8Array): pki.Extension => ({
  oid: OID.certificatePolicies,
  critical: false,
  value: der.sequence(der.sequence(der.oid('1.2.3'), der.sequence(der.sequence(der.oid(OID.userNotice), value)))),
});
const constraint = (...permitted: pki.GeneralName[]): readonly LintFinding[] =>
  lintCertificate(changedCa(pki.nameConstraints({ permitted })));
const ca = changedCa();

/** One sample for each finding that there is, and the findings it makes. */
const samples: Record<LintCode, () => readonly LintFinding[]> = {
  version_not_3: () => lintCertificate(certificate({ version: 1 })),
  serial_not_positive: () => lintCertificate(certificate({ serial: '00' })),
  serial_too_long: () => lintCertificate(certificate({ serial: '5c'.repeat(21) })),
  serial_guessable: () => lintCertificate(certificate({ serial: '5c010203040506' })),
  signature_algorithm: () => lintCertificate(certificate({ algorithm: pki.algorithmIdentifier('1.2.3').der })),
  signature_weak: () =>
    lintCertificate(certificate({ algorithm: pki.algorithmIdentifier('1.2.840.113549.1.1.5', der.nullValue()).der })),
  algorithms_differ: () =>
    lintCertificate(certificate({ outerAlgorithm: pki.algorithmIdentifier('1.2.840.10045.4.3.3').der })),
  issuer_empty: () => lintCertificate(certificate({ issuer: empty })),
  validity_reversed: () => lintCertificate(certificate({ notAfter: sampleTime - 1000 })),
  subject_empty: () => lintCertificate(certificate({ subject: empty, extensions: caExtensions })),
  subject_nowhere: () =>
    lintCertificate(
      certificate({ subject: empty, extensions: withExtensions(clientExtensions, [{ without: OID.subjectAltName }]) }),
    ),
  key_weak: () => lintCertificate(certificate({ spki: spkis.rsa1024 })),
  unique_id: () => lintCertificate(certificate({ uniqueId: true })),
  critical_unknown: () => lintCertificate(changed({ oid: '1.2.3.4', critical: true, value: der.nullValue() })),

  attribute_empty: () => name(attribute(OID.commonName, der.utf8String(''))),
  attribute_too_long: () => name(buildName([{ type: 'CN', value: 'a'.repeat(65) }])),
  attribute_type: () => name(attribute(OID.countryName, der.utf8String('DE'))),
  attribute_old_string: () => name(attribute(OID.commonName, text(0x14, 'teletex'))),
  attribute_country: () =>
    name(
      buildName([
        { type: 'C', value: 'de' },
        { type: 'CN', value: 'x' },
      ]),
    ),
  attribute_control: () => name(buildName([{ type: 'CN', value: 'a\0b' }])),
  attribute_email: () => name(attribute(OID.emailAddress, text(0x16, 'a@b.example'))),
  rdn_multiple: () =>
    name(
      buildName([
        [
          { type: 'CN', value: 'a' },
          { type: 'O', value: 'b' },
        ],
      ]),
    ),

  basic_constraints_missing: () => lintCertificate(changedCa({ without: OID.basicConstraints })),
  basic_constraints_not_critical: () =>
    lintCertificate(changedCa(pki.basicConstraints({ ca: true, pathLen: 0 }, { critical: false }))),
  path_len_without_ca: () =>
    lintCertificate(changed({ oid: OID.basicConstraints, critical: true, value: der.sequence(der.integer(0)) })),
  path_len_without_cert_sign: () => lintCertificate(changedCa(pki.keyUsage(['cRLSign']))),
  cert_sign_without_ca: () => lintCertificate(changed(pki.keyUsage(['digitalSignature', 'keyCertSign']))),
  ca_without_cert_sign: () => lintCertificate(changedCa(pki.basicConstraints({ ca: true }), pki.keyUsage(['cRLSign']))),
  key_usage_missing: () => lintCertificate(changedCa({ without: OID.keyUsage })),
  key_usage_not_critical: () => lintCertificate(changed(pki.keyUsage(['digitalSignature'], { critical: false }))),
  key_usage_only_bits: () => lintCertificate(changed(pki.keyUsage(['digitalSignature', 'encipherOnly']))),
  key_usage_key: () => lintCertificate(changed(pki.keyUsage(['digitalSignature', 'keyEncipherment']))),
  extended_key_usage_any: () =>
    lintCertificate(changed(pki.extendedKeyUsage([OID.clientAuth, OID.anyExtendedKeyUsage], { critical: true }))),
  extended_key_usage_twice: () => lintCertificate(changed(pki.extendedKeyUsage([OID.clientAuth, OID.clientAuth]))),
  extended_key_usage_conflict: () => lintCertificate(changed(pki.keyUsage(['nonRepudiation']))),

  subject_key_id_missing: () => lintCertificate(changedCa({ without: OID.subjectKeyIdentifier })),
  subject_key_id_absent: () => lintCertificate(changed({ without: OID.subjectKeyIdentifier })),
  authority_key_id_missing: () => lintCertificate(changed({ without: OID.authorityKeyIdentifier })),
  must_not_be_critical: () => lintCertificate(changed(critical(pki.authorityKeyId(Uint8Array.of(1))))),
  must_be_critical: () => lintCertificate(changedCa(critical(pki.inhibitAnyPolicy(0), false))),
  should_not_be_critical: () =>
    lintCertificate(changed(pki.crlDistributionPoints(['http://ca.example/crl'], { critical: true }))),
  only_in_ca: () => lintCertificate(changed(pki.inhibitAnyPolicy(0))),

  alt_name_critical: () =>
    lintCertificate(changed(pki.subjectAltName([{ type: 'dns', value: 'a.example' }], { critical: true }))),
  alt_name_not_critical: () => lintCertificate(certificate({ subject: empty })),
  alt_name_twice: () =>
    lintCertificate(named({ type: 'dns', value: 'a.example' }, { type: 'dns', value: 'a.example' })),
  alt_name_unused_type: () =>
    lintCertificate(named({ type: 'ediParty', value: der.explicit(1, der.utf8String('party')) })),
  dns_name_syntax: () => lintCertificate(named({ type: 'dns', value: 'a..example' })),
  dns_name_underscore: () => lintCertificate(named({ type: 'dns', value: '_a.example' })),
  dns_name_wildcard: () => lintCertificate(named({ type: 'dns', value: 'a*.example' })),
  email_syntax: () => lintCertificate(named({ type: 'email', value: 'Somebody <a@b.example>' })),
  uri_syntax: () => lintCertificate(named({ type: 'uri', value: '//no.scheme/path' })),
  uri_spiffe: () => lintCertificate(named({ type: 'uri', value: 'spiffe://Example.org/a' })),
  ip_mapped: () => lintCertificate(named({ type: 'ip', value: pki.fromHex('00000000000000000000ffff7f000001') })),

  policy_qualifier: () =>
    lintCertificate(
      changed({
        oid: OID.certificatePolicies,
        critical: false,
        value: der.sequence(
          der.sequence(der.oid('1.2.3'), der.sequence(der.sequence(der.oid('1.2.4'), der.nullValue()))),
        ),
      }),
    ),
  policy_notice: () => lintCertificate(changed(notice(der.sequence(der.utf8String('a'.repeat(201)))))),
  policy_mapping_any: () =>
    lintCertificate(
      changedCa(pki.policyMappings([{ issuerDomainPolicy: OID.anyPolicy, subjectDomainPolicy: '1.2.3' }])),
    ),
  policy_mapping_unlisted: () =>
    lintCertificate(changedCa(pki.policyMappings([{ issuerDomainPolicy: '1.2.4', subjectDomainPolicy: '1.2.3' }]))),
  constraint_dns: () => constraint({ type: 'dns', value: '.example.com' }),
  constraint_email: () => constraint({ type: 'email', value: 'a@b@c' }),
  constraint_uri: () => constraint({ type: 'uri', value: 'http://a.example' }),
  constraint_ip: () => constraint({ type: 'ip', value: pki.fromHex('0a000000ff00ff00') }),

  distribution_point_empty: () => lintCertificate(changed(pki.crlDistributionPoints([{ reasons: 2 }]))),
  distribution_point_uri: () => lintCertificate(changed(pki.crlDistributionPoints(['crl.der']))),
  distribution_point_scheme: () => lintCertificate(changed(pki.crlDistributionPoints(['https://ca.example/crl']))),
  info_access_location: () =>
    lintCertificate(
      changed(pki.authorityInfoAccess([{ method: OID.ocsp, location: { type: 'directory', value: issuerName } }])),
    ),
  info_access_scheme: () =>
    lintCertificate(
      changed(
        pki.authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: 'https://ocsp.example' } }]),
      ),
    ),
  ocsp_no_check: () => lintCertificate(changed(pki.ocspNoCheck())),

  issuer_name: () => lintCertificate(certificate(), { issuer: certificate() }),
  issuer_name_encoding: () =>
    lintCertificate(certificate({ issuer: buildName([{ type: 'CN', value: 'SAMPLE issuing ca' }]) }), { issuer: ca }),
  issuer_key_id: () => lintCertificate(changed(pki.authorityKeyId(Uint8Array.of(1))), { issuer: ca }),
  issuer_not_ca: () => lintCertificate(certificate(), { issuer: changedCa({ without: OID.basicConstraints }) }),
  issuer_path_len: () => lintCertificate(certificate({ extensions: caExtensions }), { issuer: ca }),
  outlives_issuer: () => lintCertificate(certificate({ notAfter: ca.notAfter + 1000 }), { issuer: ca }),

  profile_ca: () => lintCertificate(changedCa(pki.basicConstraints({ ca: true, pathLen: 1 })), { profile: 'issuing' }),
  profile_key_usage: () =>
    lintCertificate(changed(pki.keyUsage(['digitalSignature', 'nonRepudiation'])), { profile: 'client' }),
  profile_extended_key_usage: () => lintCertificate(certificate(), { profile: 'peer' }),
  profile_name: () => lintCertificate(certificate(), { profile: 'device' }),
  profile_alt_names: () => lintCertificate(named({ type: 'dns', value: '*.a.example' }), { profile: 'client' }),
  profile_pointers: () => lintCertificate(changed({ without: OID.crlDistributionPoints }), { profile: 'client' }),
  profile_no_check: () => lintCertificate(certificate(), { profile: 'ocsp' }),

  crl_version: () => lintCrl(crl({ version: 1 })),
  crl_next_update_missing: () => lintCrl(crl({ nextUpdate: null })),
  crl_next_update: () => lintCrl(crl({ nextUpdate: sampleTime })),
  crl_authority_key_id: () => lintCrl(crl({ extensions: [pki.crlNumber(7)] })),
  crl_number_missing: () => lintCrl(crl({ extensions: [pki.authorityKeyId(Uint8Array.of(1))] })),
  crl_extension_critical: () => lintCrl(crl({ extensions: crlExtensions.map((extension) => critical(extension)) })),
  crl_critical_unknown: () =>
    lintCrl(crl({ extensions: [...crlExtensions, { oid: '1.2.3.4', critical: true, value: der.nullValue() }] })),
  crl_delta_freshest: () =>
    lintCrl(
      crl({ extensions: [...crlExtensions, pki.deltaCrlIndicator(6), pki.freshestCrl(['http://ca.example/d'])] }),
    ),
  crl_issuer_usage: () => lintCrl(crl(), { issuer: changedCa(pki.keyUsage(['keyCertSign'])) }),
  crl_too_long: () => lintCrl(crl(), { maxLifetimeSeconds: 86_399 }),
  crl_entry_serial: () => lintCrl(crl({ entries: [crlEntry('00')] })),
  crl_entry_twice: () => lintCrl(crl({ entries: [crlEntry('5c01'), crlEntry('5c02'), crlEntry('5c01')] })),
  crl_entry_future: () => lintCrl(crl({ entries: [crlEntry('5c01', sampleTime + 1000)] })),
  crl_entry_remove: () => lintCrl(crl({ entries: [crlEntry('5c01', sampleTime, 8)] })),
};

const codes = (findings: readonly LintFinding[]): LintCode[] => findings.map(({ code }) => code);

describe('lint', () => {
  test('there is a sample for every finding', () => {
    assert.deepEqual(Object.keys(samples).toSorted(), Object.keys(pki.LINT_RULES).toSorted());
  });

  for (const [code, find] of Object.entries(samples)) {
    test(`${code} is found`, () => {
      const finding = find().find((one) => one.code === code);
      assert.ok(finding, `found only ${codes(find()).join(', ')}`);
      const rule = pki.LINT_RULES[finding.code];
      assert.equal(finding.severity, rule.severity);
      assert.equal(finding.section, rule.section);
      assert.ok(finding.detail.startsWith(rule.words));
    });
  }

  test('faultless certificates and CRLs of ours have no finding', () => {
    assert.deepEqual(lintCertificate(certificate(), { profile: 'client', issuer: ca }), []);
    assert.deepEqual(lintCertificate(ca, { profile: 'issuing' }), []);
    const root = certificate({
      subject: subjectName,
      issuer: subjectName,
      extensions: [
        pki.basicConstraints({ ca: true }),
        pki.keyUsage(['keyCertSign', 'cRLSign']),
        pki.subjectKeyId(Uint8Array.of(1)),
      ],
    });
    assert.deepEqual(lintCertificate(root, { profile: 'root' }), []);
    assert.deepEqual(lintCrl(crl(), { issuer: ca, maxLifetimeSeconds: 86_400 }), []);
    assert.deepEqual(lintCrl(crl({ entries: [] })), []);
  });

  const leafProfiles: [pki.LintProfile, string[], pki.GeneralName[]][] = [
    ['server', [OID.serverAuth], [{ type: 'dns', value: '*.a.example' }]],
    ['peer', [OID.serverAuth, OID.clientAuth], [{ type: 'ip', value: Uint8Array.of(10, 0, 0, 1) }]],
    ['device', [OID.clientAuth], [{ type: 'dns', value: 'a.example' }]],
    ['person', [OID.clientAuth], [{ type: 'email', value: 'a.b+c@b.example' }]],
    ['admin', [OID.clientAuth], [{ type: 'uri', value: 'https://a.example/b?c=d' }]],
    ['gateway', [OID.clientAuth], [{ type: 'dns', value: 'a.example' }]],
  ];
  for (const [profile, usages, names] of leafProfiles) {
    test(`a faultless ${profile} certificate has no finding, and is no other profile's`, () => {
      const leaf = changed(pki.extendedKeyUsage(usages), pki.subjectAltName(names), pki.profileName(profile));
      assert.deepEqual(lintCertificate(leaf, { profile, issuer: ca }), []);
      for (const [other] of leafProfiles) {
        if (other !== profile) assert.ok(codes(lintCertificate(leaf, { profile: other })).includes('profile_name'));
      }
    });
  }

  test('a key that something is encrypted to says so, where that is meant and nowhere else', () => {
    const codes = (usages: readonly pki.KeyUsageName[], receivesKeys: boolean): readonly string[] =>
      lintCertificate(changed(pki.keyUsage(usages)), { profile: 'client', receivesKeys }).map(({ code }) => code);
    assert.deepEqual(codes(['digitalSignature', 'keyAgreement'], true), []);
    assert.deepEqual(codes(['digitalSignature'], false), []);
    assert.deepEqual(codes(['digitalSignature', 'keyAgreement'], false), ['profile_key_usage']);
    assert.deepEqual(codes(['digitalSignature'], true), ['profile_key_usage']);
    assert.deepEqual(codes(['keyAgreement'], true), ['profile_key_usage']);
  });

  test('keys of every modern kind pass, with the usages they can have', () => {
    for (const spki of [spkis.ec, spkis.ed25519, spkis.rsa, spkis.mlDsa]) {
      assert.deepEqual(lintCertificate(certificate({ spki })), []);
    }
    const agreement = withExtensions(clientExtensions, [pki.keyUsage(['digitalSignature', 'keyAgreement'])]);
    assert.deepEqual(lintCertificate(certificate({ extensions: agreement })), []);
    for (const spki of [spkis.ed25519, spkis.rsa, spkis.mlDsa]) {
      assert.ok(codes(lintCertificate(certificate({ spki, extensions: agreement }))).includes('key_usage_key'));
    }
  });

  test('names: what is right passes, what is wrong does not', () => {
    const right: pki.GeneralName[] = [
      { type: 'dns', value: 'a.example' },
      { type: 'dns', value: '*.a.example' },
      { type: 'dns', value: 'localhost' },
      { type: 'dns', value: 'xn--bcher-kva.example' },
      { type: 'email', value: 'first.last@mail.example' },
      { type: 'email', value: 'x@[192.0.2.1]' },
      { type: 'uri', value: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6' },
      { type: 'uri', value: 'https://user@host.example:8443/a%20b?q#f' },
      { type: 'uri', value: 'https://[2001:db8::1]/' },
      { type: 'uri', value: 'spiffe://example.org/ns/prod/sa/api' },
      { type: 'registeredId', value: '1.2.3.4' },
      { type: 'other', oid: '1.3.6.1.4.1.311.20.2.3', value: der.utf8String('user@domain') },
      { type: 'directory', value: subjectName },
    ];
    for (const one of right) assert.deepEqual(lintCertificate(named(one)), [], JSON.stringify(one));
    const wrong: pki.GeneralName[] = [
      { type: 'dns', value: '' },
      { type: 'dns', value: '.example' },
      { type: 'dns', value: 'a.example.' },
      { type: 'dns', value: '-a.example' },
      { type: 'dns', value: 'a-.example' },
      { type: 'dns', value: 'a b.example' },
      { type: 'dns', value: 'a.example\0.evil' },
      { type: 'dns', value: '10.0.0.1' },
      { type: 'dns', value: `${'a'.repeat(64)}.example` },
      { type: 'dns', value: `${'a.'.repeat(126)}bc` },
      { type: 'dns', value: '*' },
      { type: 'dns', value: '*.example' },
      { type: 'dns', value: 'a.*.example' },
      { type: 'dns', value: '*.*.example' },
      { type: 'email', value: 'example' },
      { type: 'email', value: '@example' },
      { type: 'email', value: 'a@' },
      { type: 'email', value: 'a..b@b.example' },
      { type: 'email', value: 'a\nb@b.example' },
      { type: 'email', value: `${'a'.repeat(65)}@b.example` },
      { type: 'uri', value: '' },
      { type: 'uri', value: 'a/b' },
      { type: 'uri', value: 'https://' },
      { type: 'uri', value: 'https:///path' },
      { type: 'uri', value: 'https://a b/' },
      { type: 'uri', value: 'https://a.example/%zz' },
      { type: 'uri', value: 'https://a.example\0' },
      { type: 'uri', value: 'SPIFFE://example.org/a' },
      { type: 'uri', value: 'spiffe://example.org/a?b' },
    ];
    for (const one of wrong) {
      const errors = lintCertificate(named(one)).filter(({ severity }) => severity === 'error');
      assert.equal(errors.length, 1, JSON.stringify(one));
    }
  });

  test('name constraints: what is right passes', () => {
    const right = constraint(
      { type: 'dns', value: 'example.com' },
      { type: 'dns', value: '' },
      { type: 'email', value: 'a@b.example' },
      { type: 'email', value: '.example.com' },
      { type: 'email', value: 'example.com' },
      { type: 'uri', value: '.example.com' },
      { type: 'ip', value: pki.fromHex('0a000000ff000000') },
      { type: 'ip', value: pki.fromHex('0000000000000000') },
      { type: 'directory', value: subjectName },
    );
    assert.deepEqual(right, []);
  });

  test('user notices: short UTF-8 passes; old types and what is no notice do not', () => {
    const reference = der.sequence(der.utf8String('Example'), der.sequence(der.integer(1)));
    const findings = (value: Uint8Array): LintCode[] => codes(lintCertificate(changed(notice(value))));
    assert.deepEqual(findings(der.sequence(reference, der.utf8String('short'))), []);
    assert.deepEqual(findings(der.sequence()), []);
    assert.deepEqual(findings(der.sequence(text(0x1a, 'visible'))), ['policy_notice']);
    assert.deepEqual(findings(der.sequence(der.utf8String('a'), der.nullValue())), ['policy_notice']);
    assert.deepEqual(findings(der.nullValue()), ['policy_notice']);
  });

  test('a list full of faults makes ten findings of a kind, and a large one is no burden', () => {
    const entries = Array.from({ length: 20_000 }, (_, i) =>
      crlEntry(`5c${i.toString(16).padStart(6, '0')}`, sampleTime + 1),
    );
    assert.deepEqual(lintCrl(crl({ entries: entries.slice(0, 50) })), []);
    const future = entries.map((_, i) => crlEntry(`5c${i.toString(16).padStart(6, '0')}`, sampleTime + 5000));
    assert.equal(lintCrl(crl({ entries: future })).length, 10);
    assert.equal(lintCrl(crl({ entries: [...entries, ...entries] })).length, 10);
  });
});

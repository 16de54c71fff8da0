import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nameToString, parseCertificate, parseCrl, pemDecode, PkiError, verifySignature } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';

const vectors = join(import.meta.dirname, '../vectors');

function code(read: () => unknown): string {
  try {
    read();
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof PkiError, String(error));
    return error.code;
  }
}

function touch(certificate: Certificate): void {
  for (const key of Object.getOwnPropertyNames(Object.getPrototypeOf(certificate))) {
    void (certificate as unknown as Record<string, unknown>)[key];
  }
  void [nameToString(certificate.subject), certificate.issuer.key];
}

/** File -> code, for the files that are refused; and how many were accepted. */
function refusals(folder: string, anyTimeForm: boolean): { accepted: number; refused: Record<string, string> } {
  const refused: Record<string, string> = {};
  let accepted = 0;
  for (const file of readdirSync(join(vectors, folder)).toSorted()) {
    if (!/\.(?:pem|der)$/.test(file)) continue;
    const octets = readFileSync(join(vectors, folder, file));
    const blocks = file.endsWith('.der')
      ? [{ label: file.startsWith('crl') ? 'X509 CRL' : 'CERTIFICATE', der: octets }]
      : readBlocks(octets);
    for (const { label, der } of blocks) {
      let result: string | undefined;
      if (label === 'CERTIFICATE') result = code(() => touch(parseCertificate(der, { anyTimeForm })));
      else if (label === 'X509 CRL') result = code(() => parseCrl(der, { anyTimeForm }));
      if (result === 'ok') accepted++;
      else if (result !== undefined) refused[file] = result;
    }
  }
  return { accepted, refused };
}

function readBlocks(octets: Uint8Array): { label: string; der: Uint8Array }[] {
  try {
    return pemDecode(octets);
  } catch (error) {
    assert.ok(error instanceof PkiError && error.code === 'pem_malformed', String(error));
    return [];
  }
}

test('of BoringSSL’s certificates for its parser exactly the malformed ones are refused', () => {
  const { accepted, refused } = refusals('boringssl-pki/parse_certificate_unittest', true);
  assert.equal(accepted, 36);
  assert.deepEqual(refused, {
    'authority_key_identifier_not_sequence.pem': 'der_tag',
    'bad_key_usage.pem': 'ext_malformed',
    'bad_policy_qualifiers.pem': 'der_truncated',
    'bad_validity.pem': 'der_time',
    'basic_constraints_negative_path.pem': 'der_integer_range',
    'basic_constraints_path_too_large.pem': 'der_integer_range',
    'basic_constraints_unconsumed_data.pem': 'der_tag',
    'cert_algorithm_not_sequence.pem': 'der_tag',
    'cert_data_after_signature.pem': 'der_tag',
    'cert_empty_sequence.pem': 'der_truncated',
    'cert_missing_signature.pem': 'der_tag',
    'cert_not_sequence.pem': 'der_tag',
    'cert_signature_not_bit_string.pem': 'der_tag',
    'cert_skeleton.pem': 'der_tag',
    'extension_critical_3.pem': 'der_boolean',
    'extensions_data_after_sequence.pem': 'der_tag',
    'extensions_duplicate_key_usage.pem': 'ext_duplicate',
    'extensions_empty_sequence.pem': 'ext_malformed',
    'extensions_not_sequence.pem': 'der_tag',
    'failed_signature_algorithm.pem': 'der_tag',
    'name_constraints_bad_ip.pem': 'general_name_malformed',
    'policy_constraints_empty.pem': 'ext_malformed',
    'policy_qualifiers_empty_sequence.pem': 'ext_malformed',
    'serial_not_minimal.pem': 'der_integer',
    'serial_not_number.pem': 'der_tag',
    'signature_algorithm_null.pem': 'der_tag',
    'subject_key_identifier_not_octet_string.pem': 'der_tag',
    'subject_not_ascii.pem': 'der_string',
    'subject_printable_string_containing_utf8_client_cert.pem': 'der_string',
    'subjectaltname_bad_ip.pem': 'general_name_malformed',
    'subjectaltname_dns_not_ascii.pem': 'der_string',
    'subjectaltname_general_names_empty_sequence.pem': 'general_name_malformed',
    'subjectaltname_trailing_data.pem': 'der_trailing',
    'v1_explicit_version.pem': 'der_default',
  });
});

test('of pyca/cryptography’s certificates and CRLs exactly the malformed ones are refused', () => {
  const { accepted, refused } = refusals('pyca/x509/custom', true);
  assert.equal(accepted, 89);
  assert.deepEqual(refused, {
    'alternate-rsa-sha1-oid.der': 'der_bit_string',
    'crl_all_reasons.pem': 'crl_malformed',
    'crl_bad_version.pem': 'crl_version',
    'crl_dup_entry_ext.pem': 'ext_duplicate',
    'crl_inner_outer_mismatch.der': 'algorithm_mismatch',
    'crl_inval_cert_issuer_entry_ext.pem': 'der_truncated',
    'crl_invalid_time.der': 'der_time',
    'crl_unsupported_reason.pem': 'ext_malformed',
    'ec_no_named_curve.pem': 'key_explicit_curve',
    'inhibit_any_policy_negative.pem': 'der_integer_range',
    'invalid_utf8_common_name.pem': 'der_string',
    'invalid_version.pem': 'cert_version',
    'mismatch_inner_outer_sig_algorithm.der': 'algorithm_mismatch',
    'nc_ip_invalid_length.pem': 'general_name_malformed',
    'rsa_pss_cert_invalid_mgf.der': 'algorithm_mismatch',
    'rsa_pss_cert_no_sig_params.der': 'algorithm_mismatch',
    'rsa_pss_cert_unsupported_mgf_hash.der': 'algorithm_mismatch',
    'two_basic_constraints.pem': 'ext_duplicate',
  });
});

test('dates before 2050 in GeneralizedTime are refused unless that was allowed', () => {
  const file = readFileSync(join(vectors, 'pyca/x509/custom/crl_md2_unknown_crit_entry_ext.pem'));
  const [block] = pemDecode(file);
  assert.ok(block !== undefined);
  assert.equal(
    code(() => parseCrl(block.der)),
    'der_time',
  );
  assert.equal(parseCrl(block.der, { anyTimeForm: true }).entryCount, 1);
});

test('of pyca’s odd certificates exactly the malformed ones are refused', () => {
  const { accepted, refused } = refusals('pyca/x509', false);
  assert.deepEqual(refused, {
    'badasn1time.pem': 'der_time',
    // The signed part alone
    'cryptography-scts-tbs-precert.der': 'der_tag',
    'utf8-dnsname.pem': 'der_string',
    'v1_cert.pem': 'algorithm_mismatch',
  });
  assert.equal(accepted, 28);
});

test('certificates of Ed25519 and Ed448 are read, and the self-signed ones verify', () => {
  assert.deepEqual(refusals('pyca/x509/ed25519', false), { accepted: 3, refused: {} });
  assert.deepEqual(refusals('pyca/x509/ed448', false), { accepted: 2, refused: {} });
  for (const kind of ['ed25519', 'ed448']) {
    const [block] = pemDecode(readFileSync(join(vectors, `pyca/x509/${kind}/root-${kind}.pem`)));
    assert.ok(block);
    const root = parseCertificate(block.der);
    assert.equal(verifySignature(root, root.spki, nodeCrypto).ok, true);
  }
});

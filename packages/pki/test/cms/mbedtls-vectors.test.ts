import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCertsOnly, PkiError } from '@countersign/pki';

const folder = join(import.meta.dirname, '../vectors/mbedtls/pkcs7');

test('of the PKCS#7 messages of Mbed TLS the one without signers is certs-only; the others are refused, malformed or not', () => {
  const codes = new Map<string, string[]>();
  for (const file of readdirSync(folder).toSorted()) {
    let code = 'ok';
    try {
      parseCertsOnly(new Uint8Array(readFileSync(join(folder, file))));
    } catch (error) {
      assert.ok(error instanceof PkiError, file);
      ({ code } = error);
    }
    codes.set(code, [...(codes.get(code) ?? []), file]);
  }
  assert.deepEqual(codes.get('ok'), ['pkcs7_data_no_signers.der']);
  assert.deepEqual(codes.get('der_truncated'), [
    'pkcs7_data_signed_badsigner1_badsize.der',
    'pkcs7_data_signed_badsigner2_badsize.der',
    'pkcs7_signerInfo_issuer_invalid_size.der',
    'pkcs7_signerInfo_serial_invalid_size.der',
  ]);
  assert.deepEqual(codes.get('der_length'), [
    'pkcs7_data_signed_badcert.der',
    'pkcs7_data_signed_badsigner1_fuzzbad.der',
    'pkcs7_data_signed_badsigner2_fuzzbad.der',
    'pkcs7_signerInfo_1_serial_invalid_tag_after_long_name.der',
  ]);
  // SignedData without the ContentInfo around it
  assert.deepEqual(codes.get('der_tag'), ['pkcs7_data_cert_signeddata_sha256.der']);
  assert.equal(codes.get('cms_malformed')?.length, 18);
});

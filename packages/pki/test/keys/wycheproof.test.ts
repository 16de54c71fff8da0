import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromHex, parsePublicKeyInfo, PkiError, schemeAlgorithm, verifySignature } from '@countersign/pki';
import type { SignatureScheme } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';

interface Group {
  readonly publicKeyDer: string;
  readonly tests: readonly {
    tcId: number;
    msg: string;
    sig: string;
    ctx?: string;
    result: string;
    flags: readonly string[];
  }[];
}

const suites: Readonly<Record<string, SignatureScheme>> = {
  ecdsa_secp256r1_sha256_test: 'ecdsa-sha256',
  ecdsa_secp384r1_sha384_test: 'ecdsa-sha384',
  ed25519_test: 'ed25519',
  mldsa_65_verify_test: 'ml-dsa-65',
  rsa_pss_2048_sha256_mgf1_32_test: 'rsa-pss-sha256',
  rsa_signature_2048_sha256_test: 'rsa-pkcs1-sha256',
};

function accepted(scheme: SignatureScheme, group: Group, sig: string, msg: string): boolean {
  try {
    const signed = { tbs: fromHex(msg), signatureAlgorithm: schemeAlgorithm(scheme), signature: fromHex(sig) };
    return verifySignature(signed, parsePublicKeyInfo(fromHex(group.publicKeyDer)), nodeCrypto).ok;
  } catch (error) {
    assert.ok(error instanceof PkiError, String(error));
    return false;
  }
}

for (const [file, scheme] of Object.entries(suites)) {
  test(`Wycheproof’s ${file}: exactly the valid signatures verify`, () => {
    const path = join(import.meta.dirname, `../vectors/wycheproof/${file}.json`);
    const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as { testGroups: readonly Group[] };
    let count = 0;
    for (const group of testGroups) {
      for (const { tcId, msg, sig, ctx, result, flags } of group.tests) {
        // X.509 signatures have no context string (RFC 9881 section 3).
        if (ctx !== undefined && ctx !== '') continue;
        // "acceptable": RSASSA-PKCS1-v1_5 with the NULL left out of DigestInfo, which nobody has to accept.
        const valid = result === 'acceptable' ? false : result === 'valid';
        assert.equal(accepted(scheme, group, sig, msg), valid, `test ${tcId} ${flags.join()}`);
        count++;
      }
    }
    assert.ok(count > 100);
  });
}

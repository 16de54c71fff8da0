import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodePasswordCrypto } from '@countersign/trust';
import { decryptPkcs8, PkiError } from '@countersign/pki';

const folder = join(import.meta.dirname, '../vectors/mbedtls/pkcs8');

test('of the keys of Mbed TLS all open with their passphrase but those under DES, and none with another', async () => {
  const opened: string[] = [];
  for (const file of readdirSync(folder).toSorted()) {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    if (/_des(?:_|\.)/.test(file)) {
      await assert.rejects(
        decryptPkcs8(bytes, 'PolarSSLTest', nodePasswordCrypto),
        (error) => error instanceof PkiError && error.code === 'password_algorithm_unsupported',
        file,
      );
      continue;
    }
    const result = await decryptPkcs8(bytes, 'PolarSSLTest', nodePasswordCrypto);
    assert.ok(result.ok, file);
    const key = createPrivateKey({ key: Buffer.from(result.key.der), format: 'der', type: 'pkcs8' });
    assert.equal(key.asymmetricKeyDetails?.modulusLength, 1024, file);
    assert.deepEqual(
      await decryptPkcs8(bytes, 'another', nodePasswordCrypto),
      { ok: false, code: 'private_key_passphrase' },
      file,
    );
    opened.push(file);
  }
  assert.equal(opened.length, 22);
});

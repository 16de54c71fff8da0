import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { decryptPrivateKey, encryptPrivateKey } from '../../src/crypto/encrypted-key.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

describe('private keys under a passphrase', () => {
  test('a key comes back with its passphrase, and with no other', async () => {
    const pem = await encryptPrivateKey(privateKey, 'passphrase');
    assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    const opened = await decryptPrivateKey(pem, 'passphrase');
    assert.ok(opened.ok && opened.key.equals(privateKey));
    assert.deepEqual(await decryptPrivateKey(pem, 'Passphrase'), { ok: false, code: 'private_key_passphrase' });
  });

  test('OpenSSL reads the PBKDF2 form', async () => {
    const pem = await encryptPrivateKey(privateKey, 'passphrase', { kdf: 'pbkdf2' });
    assert.ok(createPrivateKey({ key: pem, passphrase: 'passphrase' }).equals(privateKey));
  });

  test('a file of another kind is malformed, not a wrong passphrase', async () => {
    const clear = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await assert.rejects(decryptPrivateKey(clear, 'passphrase'), { code: 'pem_label' });
    await assert.rejects(decryptPrivateKey('', 'passphrase'), { name: 'PkiError' });
  });
});

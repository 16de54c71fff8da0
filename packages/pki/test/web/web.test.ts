import assert from 'node:assert/strict';
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { createSecureContext } from 'node:tls';
import {
  buildCertificate,
  buildName,
  decryptPkcs8,
  encryptPkcs8,
  parseCsr,
  parsePkcs12,
  subjectAltName,
  verifySignature,
} from '@countersign/pki';
import {
  createWebPkcs12,
  createWebRequest,
  generateWebKeyPair,
  WEB_KEY_KINDS,
  webPasswordCrypto,
  webSigner,
} from '@countersign/pki/web';
import { nodeCrypto, nodePasswordCrypto } from '@countersign/trust';
import { sha256 } from '../../src/web/sha256.ts';

const web = globalThis.crypto;
const subject = buildName([{ type: 'CN', value: 'demo' }]);
const password = 'pässword';

async function selfSigned(keyPair: CryptoKeyPair): Promise<Uint8Array> {
  const signer = await webSigner(keyPair, web);
  return buildCertificate(
    { serialNumber: '01', issuer: subject, subject, notBefore: 0, notAfter: 4e12, spki: signer.spki, extensions: [] },
    signer,
  );
}

describe('pki on WebCrypto', () => {
  for (const kind of WEB_KEY_KINDS.filter((name) => name !== 'rsa3072' && name !== 'rsa4096')) {
    test(`a request of a ${kind} key is read and proves its key`, async () => {
      const template = { subject, extensions: [subjectAltName([{ type: 'email', value: 'demo@b.example' }])] };
      const { csr, keyPair } = await createWebRequest(kind, template, web);
      const parsed = parseCsr(csr);
      assert.ok(verifySignature(parsed, parsed.spki, nodeCrypto).ok);
      assert.deepEqual(parsed.requestedExtensions.subjectAltName, [{ type: 'email', value: 'demo@b.example' }]);
      const certificate = new X509Certificate(await selfSigned(keyPair));
      assert.ok(certificate.verify(certificate.publicKey));
    });
  }

  test('signatures of every length of r and s are DER', async () => {
    const keyPair = await generateWebKeyPair('p256', web);
    const signer = await webSigner(keyPair, web);
    const lengths = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const data = Uint8Array.of(i);
      const signature = await signer.sign(data);
      lengths.add(signature.length);
      assert.ok(nodeCrypto.verify('ecdsa-sha256', signer.spki, data, signature));
    }
    assert.ok(lengths.size > 1);
  });

  for (const format of ['modern', 'pbmac1'] as const) {
    test(`PKCS#12 in the form ${format}: OpenSSL opens it, and we read it on both sides`, async () => {
      const keyPair = await generateWebKeyPair('p256', web);
      const certificate = await selfSigned(keyPair);
      const contents = { privateKey: keyPair.privateKey, certificates: [certificate], friendlyName: 'demo' };
      const file = await createWebPkcs12(contents, password, web, { format, iterations: 2048 });
      createSecureContext({ pfx: Buffer.from(file), passphrase: password });
      for (const crypto of [nodePasswordCrypto, webPasswordCrypto(web)]) {
        const parsed = await parsePkcs12(file, password, crypto);
        assert.ok(parsed.ok);
        const der = Buffer.from(parsed.pkcs12.keys[0]?.key.der ?? []);
        assert.ok(
          new X509Certificate(certificate).checkPrivateKey(
            createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
          ),
        );
        assert.deepEqual(await parsePkcs12(file, 'wrong', crypto), { ok: false, code: 'pkcs12_password' });
      }
    });
  }

  test('the old form is refused, by name', async () => {
    const keyPair = await generateWebKeyPair('p256', web);
    const contents = { privateKey: keyPair.privateKey, certificates: [await selfSigned(keyPair)] };
    await assert.rejects(createWebPkcs12(contents, password, web, { format: 'legacy' }), {
      code: 'password_algorithm_unsupported',
    });
  });

  test('PKCS#8 is encrypted with PBKDF2, and scrypt is refused by name', async () => {
    const keyPair = await generateWebKeyPair('ed25519', web);
    const der = new Uint8Array(await web.subtle.exportKey('pkcs8', keyPair.privateKey));
    const crypto = webPasswordCrypto(web);
    const encrypted = await encryptPkcs8(der, password, crypto);
    assert.ok((await decryptPkcs8(encrypted, password, nodePasswordCrypto)).ok);
    assert.deepEqual(await decryptPkcs8(encrypted, 'wrong', crypto), { ok: false, code: 'private_key_passphrase' });
    const byScrypt = await encryptPkcs8(der, password, nodePasswordCrypto, { kdf: 'scrypt' });
    await assert.rejects(decryptPkcs8(byScrypt, password, crypto), { code: 'password_algorithm_unsupported' });
  });

  test('a key that cannot sign is refused', async () => {
    const pair = await web.subtle.generateKey('X25519', true, ['deriveBits']);
    await assert.rejects(webSigner(pair, web), { code: 'key_unsupported' });
  });

  test('SHA-256 is SHA-256', () => {
    for (let length = 0; length < 200; length++) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
      assert.deepEqual(Buffer.from(sha256(data)), createHash('sha256').update(data).digest());
    }
  });
});

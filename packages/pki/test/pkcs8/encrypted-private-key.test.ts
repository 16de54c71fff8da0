import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { without } from '@countersign/testkit';
import { nodePasswordCrypto } from '@countersign/trust';
import { octetString, sequence } from '../../src/der/writer.ts';
import { passwordEncryptionAlgorithm } from '../../src/pkcs5/encryption.ts';
import { decryptPkcs8, encryptPkcs8, readEncryptedPrivateKey } from '../../src/pkcs8/encrypted-private-key.ts';
import { parsePrivateKey } from '../../src/pkcs8/private-key-info.ts';

const passphrase = 'correct horse battery stäple';

function toPkcs8(key: KeyObject): Buffer {
  return key.export({ type: 'pkcs8', format: 'der' });
}

function newEcKey(): Buffer {
  return toPkcs8(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
}

/** Counts what derivations are asked of the port. */
function countingCrypto(): { crypto: typeof nodePasswordCrypto; derivations: () => number } {
  let count = 0;
  const crypto: typeof nodePasswordCrypto = {
    ...nodePasswordCrypto,
    pbkdf2: (...args) => {
      count++;
      return nodePasswordCrypto.pbkdf2(...args);
    },
    scrypt: (password, salt, cost, length) => {
      count++;
      assert.ok(nodePasswordCrypto.scrypt);
      return nodePasswordCrypto.scrypt(password, salt, cost, length);
    },
  };
  return { crypto, derivations: () => count };
}

describe('encrypted PKCS#8', () => {
  const kinds: [string, () => KeyObject, object][] = [
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, { type: 'ec', curve: 'P-256' }],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey, { type: 'ec', curve: 'P-384' }],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey, { type: 'ec', curve: 'P-521' }],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey, { type: 'ed25519' }],
    ['RSA-2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, { type: 'rsa', bits: 2048 }],
    ['ML-DSA-44', () => generateKeyPairSync('ml-dsa-44').privateKey, { type: 'ml-dsa', parameterSet: 44 }],
    ['ML-DSA-65', () => generateKeyPairSync('ml-dsa-65').privateKey, { type: 'ml-dsa', parameterSet: 65 }],
    ['ML-DSA-87', () => generateKeyPairSync('ml-dsa-87').privateKey, { type: 'ml-dsa', parameterSet: 87 }],
  ];
  for (const [name, make, kind] of kinds) {
    test(`a ${name} key comes back, and its kind is told`, async () => {
      const der = toPkcs8(make());
      assert.deepEqual(parsePrivateKey(der).kind, kind);
      const encrypted = await encryptPkcs8(der, passphrase, nodePasswordCrypto, { kdf: 'pbkdf2' });
      const opened = await decryptPkcs8(encrypted, passphrase, nodePasswordCrypto);
      assert.ok(opened.ok);
      assert.deepEqual(Buffer.from(opened.key.der), der);
    });
  }

  test('Node and openssl open what we write with PBKDF2', { skip: without('openssl') }, async () => {
    const der = newEcKey();
    const encrypted = Buffer.from(await encryptPkcs8(der, passphrase, nodePasswordCrypto, { kdf: 'pbkdf2' }));
    const byNode = createPrivateKey({ key: encrypted, format: 'der', type: 'pkcs8', passphrase });
    assert.deepEqual(toPkcs8(byNode), der);
    const publicKey = execFileSync('openssl', ['pkey', '-inform', 'DER', '-passin', 'env:PASSPHRASE', '-pubout'], {
      input: encrypted,
      env: { ...process.env, PASSPHRASE: passphrase },
    });
    assert.ok(createPublicKey(byNode).equals(createPublicKey(publicKey)));
  });

  test('what we write with scrypt comes back', async () => {
    const der = newEcKey();
    const opened = await decryptPkcs8(
      await encryptPkcs8(der, passphrase, nodePasswordCrypto),
      passphrase,
      nodePasswordCrypto,
    );
    assert.ok(opened.ok);
    assert.deepEqual(Buffer.from(opened.key.der), der);
  });

  test('the default is scrypt with N = 2^17, r = 8, p = 1 and AES-256-CBC', async () => {
    const { scheme } = readEncryptedPrivateKey(await encryptPkcs8(newEcKey(), passphrase, nodePasswordCrypto));
    assert.ok(scheme.type === 'pbes2' && scheme.kdf.type === 'scrypt');
    assert.equal(scheme.cipher, 'aes-256-cbc');
    assert.deepEqual(scheme.kdf.cost, { N: 131_072, r: 8, p: 1 });
    assert.equal(scheme.kdf.salt.length, 16);
  });

  test('a port without scrypt makes PBKDF2-SHA-256 with 600,000 iterations the default', async () => {
    const { scrypt: _, ...withoutScrypt } = nodePasswordCrypto;
    const { scheme } = readEncryptedPrivateKey(await encryptPkcs8(newEcKey(), passphrase, withoutScrypt));
    assert.ok(scheme.type === 'pbes2' && scheme.kdf.type === 'pbkdf2');
    assert.equal(scheme.kdf.digest, 'sha256');
    assert.equal(scheme.kdf.iterations, 600_000);
  });

  const opensslForms: [string, string[]][] = [
    ['its default', []],
    ['scrypt', ['-scrypt']],
    ['AES-128 with HMAC-SHA-1', ['-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA1']],
    ['AES-192 with HMAC-SHA-512', ['-v2', 'aes-192-cbc', '-v2prf', 'hmacWithSHA512']],
    ['triple DES', ['-v2', 'des3']],
    ['PBE-SHA1-3DES', ['-v1', 'PBE-SHA1-3DES']],
    ['PBE-SHA1-2DES', ['-v1', 'PBE-SHA1-2DES']],
  ];
  for (const [name, args] of opensslForms) {
    test(`what openssl writes is read: ${name}`, { skip: without('openssl') }, async () => {
      const der = newEcKey();
      const encrypted = execFileSync(
        'openssl',
        ['pkcs8', '-topk8', '-inform', 'DER', '-outform', 'DER', '-passout', 'env:PASSPHRASE', ...args],
        { input: der, env: { ...process.env, PASSPHRASE: passphrase } },
      );
      const opened = await decryptPkcs8(encrypted, passphrase, nodePasswordCrypto);
      assert.ok(opened.ok);
      assert.deepEqual(Buffer.from(opened.key.der), der);
    });
  }

  test('a wrong passphrase is a value, whatever the padding looks like', { skip: without('openssl') }, async () => {
    const weak = execFileSync(
      'openssl',
      ['pkcs8', '-topk8', '-inform', 'DER', '-outform', 'DER', '-passout', 'env:PASSPHRASE', '-iter', '1'],
      { input: newEcKey(), env: { ...process.env, PASSPHRASE: passphrase } },
    );
    // Among 600 wrong ones the padding of about two is right by chance.
    for (let i = 0; i < 600; i++) {
      assert.deepEqual(await decryptPkcs8(weak, `wrong ${i}`, nodePasswordCrypto), {
        ok: false,
        code: 'private_key_passphrase',
      });
    }
  });

  test('less than our floors is refused when writing', async () => {
    const weak = { code: 'private_key_weak_encryption' };
    const der = newEcKey();
    const crypto = nodePasswordCrypto;
    await assert.rejects(encryptPkcs8(der, passphrase, crypto, { kdf: 'pbkdf2', iterations: 599_999 }), weak);
    await assert.rejects(encryptPkcs8(der, passphrase, crypto, { kdf: 'pbkdf2', iterations: Number.NaN }), weak);
    await assert.rejects(
      encryptPkcs8(der, passphrase, crypto, { kdf: 'scrypt', cost: { N: 65_536, r: 8, p: 1 } }),
      weak,
    );
    await assert.rejects(encryptPkcs8(der, '', crypto), { code: 'argument' });
    await assert.rejects(encryptPkcs8(der.subarray(1), passphrase, crypto), { code: 'der_tag' });
  });

  test('what would cost too much is refused before anything is derived', async () => {
    const { crypto, derivations } = countingCrypto();
    const der = Buffer.from(await encryptPkcs8(newEcKey(), passphrase, nodePasswordCrypto, { kdf: 'scrypt' }));
    const at = der.indexOf(Buffer.from([0x02, 0x03, 0x02, 0x00, 0x00]));
    assert.ok(at > 0);
    for (const n of [
      [0x08, 0x00, 0x00], // 2^19: 512 MiB
      [0x01, 0xff, 0xff], // no power of two
      [0x40, 0x00, 0x00], // 2^22
    ]) {
      const costly = Buffer.from(der);
      costly.set(n, at + 2);
      await assert.rejects(decryptPkcs8(costly, passphrase, crypto), { code: 'password_cost' });
    }
    const pbkdf2 = Buffer.from(await encryptPkcs8(newEcKey(), passphrase, nodePasswordCrypto, { kdf: 'pbkdf2' }));
    const { scheme, ciphertext } = readEncryptedPrivateKey(pbkdf2);
    assert.ok(scheme.type === 'pbes2' && scheme.kdf.type === 'pbkdf2');
    const kdf = { ...scheme.kdf, iterations: 10_000_001 };
    const slow = sequence(passwordEncryptionAlgorithm({ ...scheme, kdf }).der, octetString(ciphertext));
    await assert.rejects(decryptPkcs8(slow, passphrase, crypto), { code: 'password_cost' });
    assert.equal(derivations(), 0);
  });
});

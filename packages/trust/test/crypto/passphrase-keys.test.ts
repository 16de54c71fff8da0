import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { pemDecodeOne, readEncryptedPrivateKey } from '@countersign/pki';
import type { PasswordCrypto } from '@countersign/pki';
import { decryptPrivateKey, encryptPrivateKey } from '../../src/crypto/encrypted-key.ts';
import { PassphraseKeys } from '../../src/crypto/passphrase-keys.ts';
import { nodePasswordCrypto } from '../../src/crypto/password-port.ts';

const passphrase = 'correct horse battery staple';

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** The salt and the IV of a file, in hex. */
function parametersOf(pem: string): { readonly salt: string; readonly iv: string } {
  const { scheme } = readEncryptedPrivateKey(pemDecodeOne(pem, 'ENCRYPTED PRIVATE KEY'));
  assert.ok(scheme.type === 'pbes2' && scheme.kdf.type === 'scrypt');
  assert.deepEqual(scheme.kdf.cost, { N: 2 ** 17, r: 8, p: 1 });
  return { salt: Buffer.from(scheme.kdf.salt).toString('hex'), iv: Buffer.from(scheme.iv).toString('hex') };
}

/** node:crypto, and every octet string that its scrypt handed out. */
function watchedCrypto(): { readonly crypto: PasswordCrypto; readonly derived: Uint8Array[] } {
  const derived: Uint8Array[] = [];
  const crypto: PasswordCrypto = {
    ...nodePasswordCrypto,
    scrypt: async (...asked) => {
      const key = await nodePasswordCrypto.scrypt?.(...asked);
      assert.ok(key);
      derived.push(key);
      return key;
    },
  };
  return { crypto, derived };
}

describe('several keys under one passphrase', () => {
  test('what is written and opened side by side costs one derivation, and each key comes back', async () => {
    const { crypto, derived } = watchedCrypto();
    using keys = new PassphraseKeys(passphrase, crypto);
    const made = [newKey(), newKey(), newKey()];
    const pems = await Promise.all(made.map((key) => keys.seal(key)));
    const opened = await Promise.all(pems.map((pem) => keys.open(pem)));
    assert.deepEqual(
      opened.map((one, at) => one.ok && made[at]?.equals(one.key)),
      [true, true, true],
    );
    assert.equal(derived.length, 1);
  });

  test('files share the salt, never the IV, and each is whole without the others', async () => {
    using keys = new PassphraseKeys(passphrase);
    const key = newKey();
    const [first, second] = [await keys.seal(key), await keys.seal(key)];
    assert.equal(parametersOf(first).salt, parametersOf(second).salt);
    assert.notEqual(parametersOf(first).iv, parametersOf(second).iv);
    const alone = await decryptPrivateKey(second, passphrase);
    assert.ok(alone.ok && alone.key.equals(key));
  });

  test('a salt is random, for the same passphrase too', async () => {
    using one = new PassphraseKeys(passphrase);
    using other = new PassphraseKeys(passphrase);
    assert.notEqual(parametersOf(await one.seal(newKey())).salt, parametersOf(await other.seal(newKey())).salt);
  });

  test('a key that comes later takes the salt of what was opened before', async () => {
    const there = await encryptPrivateKey(newKey(), passphrase);
    const { crypto, derived } = watchedCrypto();
    using keys = new PassphraseKeys(passphrase, crypto);
    await keys.open(there);
    assert.equal(parametersOf(await keys.seal(newKey())).salt, parametersOf(there).salt);
    assert.equal(derived.length, 1);
  });

  test('files with salts of their own open, each for a derivation', async () => {
    const [first, second] = [
      await encryptPrivateKey(newKey(), passphrase),
      await encryptPrivateKey(newKey(), passphrase),
    ];
    const { crypto, derived } = watchedCrypto();
    using keys = new PassphraseKeys(passphrase, crypto);
    assert.deepEqual(
      (await Promise.all([keys.open(first), keys.open(second)])).map(({ ok }) => ok),
      [true, true],
    );
    assert.equal(derived.length, 2);
  });

  test('another passphrase opens nothing, and another key that is right still opens', async () => {
    const [ours, theirs] = [await encryptPrivateKey(newKey(), passphrase), await encryptPrivateKey(newKey(), 'other')];
    using keys = new PassphraseKeys(passphrase);
    const [right, wrong] = await Promise.all([keys.open(ours), keys.open(theirs)]);
    assert.equal(right.ok, true);
    assert.deepEqual(wrong, { ok: false, code: 'private_key_passphrase' });
    await assert.rejects(keys.open('no key'), { name: 'PkiError' });
  });

  test('derived keys are overwritten at the end, and what is under way by then still ends well', async () => {
    const { crypto, derived } = watchedCrypto();
    const key = newKey();
    const pem = await encryptPrivateKey(key, passphrase);
    const keys = new PassphraseKeys(passphrase, crypto);
    const opening = keys.open(pem);
    keys[Symbol.dispose]();
    const opened = await opening;
    assert.ok(opened.ok && opened.key.equals(key));
    assert.equal(derived.length, 1);
    assert.ok(derived[0]?.every((octet) => octet === 0));
    // Nothing is kept from then on either: a file that was slow to come, in a set of which another had failed.
    assert.equal((await keys.open(pem)).ok, true);
    assert.equal(derived.length, 2);
    assert.ok(derived[1]?.every((octet) => octet === 0));
  });
});

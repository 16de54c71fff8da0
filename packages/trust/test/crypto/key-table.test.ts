import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { generateKeyPair, nodeCrypto, nodeSigner, threadedSigner, threadedVerifier } from '@countersign/trust';
import { KEY_KINDS } from '@countersign/trust/key-kinds';
import { PkiError, toHex } from '@countersign/pki';

const data = Uint8Array.of(1, 2, 3);

test('keys that share a prefix, a length or a buffer are never taken for each other', async () => {
  const pairs = await Promise.all(Array.from({ length: 4 }, () => generateKeyPair('p256')));
  const signatures = await Promise.all(pairs.map(async ({ privateKey }) => nodeSigner(privateKey).sign(data)));
  const buffer = new Uint8Array(1000);
  for (let round = 0; round < 3; round++) {
    for (const [i, { spki }] of pairs.entries()) {
      for (const [j, signature] of signatures.entries()) {
        // The same memory holds one key after the other.
        buffer.set(spki, 7 * i);
        const view = buffer.subarray(7 * i, 7 * i + spki.length);
        assert.equal(nodeCrypto.verify('ecdsa-sha256', view, data, signature), i === j);
      }
    }
  }
});

test('more keys than the table holds, good and broken ones, do not change any answer', async () => {
  const { privateKey, spki } = await generateKeyPair('ed25519');
  const signature = await nodeSigner(privateKey).sign(data);
  assert.equal(nodeCrypto.verify('ed25519', spki, data, signature), true);
  const other = spki.slice();
  for (let i = 0; i < 1500; i++) {
    new DataView(other.buffer).setUint32(other.length - 4, i);
    assert.equal(nodeCrypto.verify('ed25519', other, data, signature), false);
    assert.equal(nodeCrypto.verify('ed25519', other.subarray(1 + (i % 40)), data, signature), false);
  }
  assert.equal(nodeCrypto.verify('ed25519', spki, data, signature), true);
});

test('a check off the main thread says the same, for each kind of key, and never throws', async () => {
  const wrong = Uint8Array.of(3, 2, 1);
  for (const kind of KEY_KINDS) {
    const { privateKey, spki } = await generateKeyPair(kind);
    const signer = nodeSigner(privateKey);
    const signature = await signer.sign(data);
    assert.equal(await threadedVerifier.verify(signer.scheme, spki, data, signature), true, kind);
    assert.equal(await threadedVerifier.verify(signer.scheme, spki, wrong, signature), false, kind);
    assert.equal(await threadedVerifier.verify(signer.scheme, spki, data, wrong), false, kind);
    const another = kind === 'ed25519' ? 'ecdsa-sha256' : 'ed25519';
    assert.equal(await threadedVerifier.verify(another, spki, data, signature), false, kind);
    assert.equal(await threadedVerifier.verify(signer.scheme, spki.subarray(1), data, signature), false, kind);
  }
});

test('octets that are no key answer no, and never throw', () => {
  for (const spki of [new Uint8Array(0), Uint8Array.of(0x30, 0), new Uint8Array(100)]) {
    assert.equal(nodeCrypto.verify('rsa-pkcs1-sha256', spki, data, data), false);
  }
});

test('digests are those of node:crypto, as plain arrays', () => {
  assert.equal(toHex(nodeCrypto.digest('sha1', new Uint8Array(0))), 'da39a3ee5e6b4b0d3255bfef95601890afd80709');
  assert.equal(nodeCrypto.digest('sha512', data).length, 64);
  assert.equal(nodeCrypto.digest('sha256', data).constructor, Uint8Array);
});

test('what is long is signed off the main thread, and verifies as what is short', async () => {
  const long = new Uint8Array(3 << 20).fill(7);
  for (const kind of ['p256', 'ed25519', 'rsa2048'] as const) {
    const { privateKey, spki } = await generateKeyPair(kind);
    const signer = nodeSigner(privateKey);
    const signing = signer.sign(long);
    assert.ok(signing instanceof Promise, kind);
    assert.equal(nodeCrypto.verify(signer.scheme, spki, long, await signing), true, kind);
    assert.ok(!(signer.sign(data) instanceof Promise), kind);
  }
});

test('a signer on another thread makes signatures that verify, with every kind of key', async () => {
  for (const kind of KEY_KINDS.filter((name) => !/3072|4096/u.test(name))) {
    const { privateKey, spki } = await generateKeyPair(kind);
    const signer = threadedSigner(privateKey);
    const signing = [1, 2, 3].map(async () => signer.sign(data));
    for (const signature of await Promise.all(signing)) {
      assert.equal(nodeCrypto.verify(signer.scheme, spki, data, signature), true, kind);
    }
  }
});

test('a key that is bound to RSASSA-PSS makes no other signatures', async () => {
  const { privateKey } = await generateKeyPair('rsa-pss2048');
  assert.equal(nodeSigner(privateKey).scheme, 'rsa-pss-sha256');
  assert.throws(
    () => nodeSigner(privateKey, 'rsa-pkcs1-sha256'),
    (error) => error instanceof PkiError && error.code === 'key_unsupported',
  );
});

test('a signer refuses a scheme that does not fit its key, and a kind of key that may not sign', async () => {
  const { privateKey, publicKey } = await generateKeyPair('p256');
  assert.throws(
    () => nodeSigner(privateKey, 'ed25519'),
    (error) => error instanceof PkiError && error.code === 'key_unsupported',
  );
  assert.equal(nodeSigner(privateKey, 'ecdsa-sha512').scheme, 'ecdsa-sha512');
  const der = publicKey.export({ type: 'spki', format: 'der' });
  assert.deepEqual(
    nodeSigner(privateKey).spki,
    new Uint8Array(createPublicKey({ key: der, type: 'spki', format: 'der' }).export({ type: 'spki', format: 'der' })),
  );
});

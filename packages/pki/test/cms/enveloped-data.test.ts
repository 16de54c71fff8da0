import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  buildEnvelopedData,
  buildKeyPackage,
  buildSignedData,
  CMS_OID,
  contentInfo,
  DerReader,
  pemEncode,
  PkiError,
  recipientOf,
  TAG,
} from '@countersign/pki';
import { createRoot, temporaryFolder, without } from '@countersign/testkit';
import type { CertificateOptions, TestCa, TestCertificate } from '@countersign/testkit';
import { nodeCrypto, nodeEnvelopeCrypto, nodeSigner } from '@countersign/trust';

const text = Buffer.from('what must travel is encrypted');

describe('CMS to a recipient', () => {
  let root: TestCa;
  before(async () => {
    root = await createRoot('Envelopes');
  });

  const recipient = (key: CertificateOptions['key'], options: CertificateOptions = {}): Promise<TestCertificate> =>
    root.issue('recipient', { key: key ?? 'p256', keyUsage: null, ...options });

  /** What `openssl cms` says to a message. */
  function openssl(message: Uint8Array, args: readonly string[], files: Readonly<Record<string, string>>): Buffer {
    using folder = temporaryFolder('cms');
    writeFileSync(join(folder.path, 'message'), message);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder.path, name), content);
    const all = ['cms', ...args, '-inform', 'DER', '-in', 'message', '-out', 'out'];
    const { status, stderr } = spawnSync('openssl', all, { cwd: folder.path, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return readFileSync(join(folder.path, 'out'));
  }

  function decrypt(message: Uint8Array, by: TestCertificate, key = by.keyPem): Buffer {
    const files = { 'cert.pem': pemEncode('CERTIFICATE', by.der), 'key.pem': key };
    return openssl(message, ['-decrypt', '-recip', 'cert.pem', '-inkey', 'key.pem'], files);
  }

  const verify = (message: Uint8Array): Buffer =>
    openssl(message, ['-verify', '-binary', '-purpose', 'any', '-CAfile', 'root.pem'], {
      'root.pem': pemEncode('CERTIFICATE', root.der),
    });

  for (const kind of ['p256', 'p384', 'p521', 'rsa2048', 'rsa3072'] as const) {
    test(`openssl opens what is enveloped to ${kind}, with that key alone`, { skip: without('openssl') }, async () => {
      const device = await recipient(kind);
      const other = await recipient(kind);
      const envelope = await buildEnvelopedData(
        { contentType: CMS_OID.data, content: text },
        device.certificate,
        nodeEnvelopeCrypto,
      );
      const message = contentInfo(CMS_OID.envelopedData, envelope);
      assert.deepEqual(decrypt(message, device), text);
      assert.throws(() => decrypt(message, other));
      // Key transport answers a wrong key with a random one (RFC 3218), whose padding is wrong but for luck.
      if (!kind.startsWith('rsa')) assert.throws(() => decrypt(message, device, other.keyPem));
      assert.equal(Buffer.from(message).includes(text), false);
    });
  }

  for (const kind of ['p256', 'p384', 'rsa2048'] as const) {
    test(`openssl verifies what a key of kind ${kind} has signed`, { skip: without('openssl') }, async () => {
      const signer = await root.issue('signer', { key: kind });
      const template = { contentType: CMS_OID.data, content: text, certificate: signer.certificate };
      const signed = await buildSignedData(template, nodeSigner(signer.key.privateKey), nodeCrypto);
      const message = contentInfo(CMS_OID.signedData, signed);
      assert.deepEqual(verify(message), text);
      const forged = Buffer.from(message);
      forged[forged.indexOf(text)] = 0;
      assert.throws(() => verify(forged), /content verify error/u);
    });
  }

  test(
    'a private key travels signed within an envelope, and comes out as it went in',
    { skip: without('openssl') },
    async () => {
      const [device, server, made] = await Promise.all([recipient('p256'), root.issue('server'), root.issue('made')]);
      const pkcs8 = made.key.privateKey.export({ type: 'pkcs8', format: 'der' });
      const signed = await buildSignedData(
        {
          contentType: CMS_OID.keyPackage,
          content: buildKeyPackage(pkcs8),
          certificate: server.certificate,
          chain: [root.der],
        },
        nodeSigner(server.key.privateKey),
        nodeCrypto,
      );
      const envelope = await buildEnvelopedData(
        { contentType: CMS_OID.signedData, content: signed },
        device.certificate,
        nodeEnvelopeCrypto,
      );
      const opened = decrypt(contentInfo(CMS_OID.envelopedData, envelope), device);
      const keyPackage = verify(contentInfo(CMS_OID.signedData, opened));
      const reader = new DerReader(keyPackage);
      reader.enter(TAG.SEQUENCE);
      const key = createPrivateKey({ key: Buffer.from(reader.anyDer()), format: 'der', type: 'pkcs8' });
      assert.ok(createPublicKey(key).equals(made.key.publicKey));
    },
  );

  test('a signer is RSA or ECDSA', async () => {
    const signer = await root.issue('signer', { key: 'ed25519' });
    const template = { contentType: CMS_OID.data, content: text, certificate: signer.certificate };
    await assert.rejects(
      buildSignedData(template, nodeSigner(signer.key.privateKey), nodeCrypto),
      (error) => error instanceof PkiError && error.code === 'key_unsupported',
    );
  });

  test('two envelopes of the same have nothing in common', async () => {
    const device = await recipient('p256');
    const make = (): Promise<Uint8Array> =>
      buildEnvelopedData({ contentType: CMS_OID.data, content: text }, device.certificate, nodeEnvelopeCrypto);
    const [one, two] = await Promise.all([make(), make()]);
    assert.notDeepEqual(one.slice(-48), two.slice(-48));
  });

  test('nothing is encrypted to a key that only signs, is not for that, or is weak', async () => {
    const cases = [
      [await recipient('ed25519'), 'recipient_key_signs_only'],
      [await recipient('ml-dsa-44'), 'recipient_key_signs_only'],
      [await recipient('rsa-pss2048'), 'recipient_key_signs_only'],
      [await recipient('rsa1024'), 'recipient_key_weak'],
      [await recipient('p256', { keyUsage: ['digitalSignature'] }), 'recipient_key_usage'],
      [await recipient('p256', { keyUsage: ['digitalSignature', 'keyEncipherment'] }), 'recipient_key_usage'],
      [await recipient('rsa2048', { keyUsage: ['digitalSignature', 'keyAgreement'] }), 'recipient_key_usage'],
    ] as const;
    for (const [{ certificate }, code] of cases) {
      assert.deepEqual(recipientOf(certificate), { ok: false, code });
      await assert.rejects(
        buildEnvelopedData({ contentType: CMS_OID.data, content: text }, certificate, nodeEnvelopeCrypto),
        (error) => error instanceof PkiError && error.code === 'key_unsupported' && error.message.includes(code),
      );
    }
    const agreed = await recipient('p256', { keyUsage: ['keyAgreement'] });
    assert.deepEqual(recipientOf(agreed.certificate), { ok: true, by: 'key-agreement' });
    const transported = await recipient('rsa2048', { keyUsage: ['digitalSignature', 'keyEncipherment'] });
    assert.deepEqual(recipientOf(transported.certificate), { ok: true, by: 'key-transport' });
  });
});

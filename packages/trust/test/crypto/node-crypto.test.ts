import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { basicConstraints, buildCertificate, buildName, parseCertificate, verifySignature } from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner } from '@countersign/trust';
import { KEY_KINDS } from '@countersign/trust/key-kinds';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 1);

for (const kind of KEY_KINDS) {
  test(`a certificate signed with ${kind} verifies here and with OpenSSL, and not with another key`, async () => {
    const pair = await generateKeyPair(kind);
    const other = await generateKeyPair(kind.startsWith('rsa') ? 'rsa2048' : kind);
    const name = buildName([{ type: 'CN', value: kind }]);
    const der = await buildCertificate(
      {
        serialNumber: '0102',
        issuer: name,
        subject: name,
        notBefore: NOW,
        notAfter: NOW + DAY,
        spki: pair.spki,
        extensions: [basicConstraints({ ca: true })],
      },
      nodeSigner(pair.privateKey),
    );
    const certificate = parseCertificate(der);
    assert.equal(verifySignature(certificate, certificate.spki, nodeCrypto).ok, true);
    const peer = new X509Certificate(der);
    assert.equal(peer.verify(peer.publicKey), true);
    assert.equal(
      nodeCrypto.verify(nodeSigner(other.privateKey).scheme, other.spki, certificate.tbs, certificate.signature),
      false,
    );
  });
}

test('an RSA key does not answer for an ECDSA scheme', async () => {
  const { privateKey, spki } = await generateKeyPair('rsa2048');
  const data = Uint8Array.of(1, 2, 3);
  const signature = await nodeSigner(privateKey).sign(data);
  assert.equal(nodeCrypto.verify('rsa-pkcs1-sha256', spki, data, signature), true);
  assert.equal(nodeCrypto.verify('ecdsa-sha256', spki, data, signature), false);
});

test('a P-256 key whose point is not on the curve is no key, however it is read', async () => {
  const { privateKey, spki } = await generateKeyPair('p256');
  const data = Uint8Array.of(1, 2, 3);
  const signature = await nodeSigner(privateKey).sign(data);
  assert.equal(nodeCrypto.verify('ecdsa-sha256', spki, data, signature), true);
  const off = spki.slice();
  off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
  assert.equal(nodeCrypto.verify('ecdsa-sha256', off, data, signature), false);
  assert.throws(() => createPublicKey({ key: Buffer.from(off), format: 'der', type: 'spki' }));
  const raw = { format: 'raw-public', asymmetricKeyType: 'ec', namedCurve: 'P-256' } as const;
  assert.throws(() => createPublicKey({ ...raw, key: off.subarray(-65) }));
});

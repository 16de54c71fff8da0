import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';

import { createRoot } from '../src/index.ts';

test('a throw-away CA makes chains that node:crypto verifies', async () => {
  const root = await createRoot();
  const issuing = await root.issueCa('Issuing', { pathLen: 0, key: 'ed25519' });
  const demo = await issuing.issue('demo', { profile: 'client', sans: [{ type: 'dns', value: 'demo.example' }] });
  const [leaf, above, ...rest] = demo.chain.map((der) => new X509Certificate(der));
  assert.ok(leaf !== undefined && above !== undefined && rest.length === 0);
  assert.ok(leaf.verify(above.publicKey));
  assert.ok(above.verify(new X509Certificate(root.der).publicKey));
  assert.ok(leaf.checkPrivateKey(demo.key.privateKey));
  assert.equal(demo.certificate.profile, 'client');
  assert.equal(leaf.subjectAltName, 'DNS:demo.example');
});

test('a throw-away CA can do everything wrong', async () => {
  const root = await createRoot('Root', { key: 'rsa2048' });
  const other = await createRoot('Root', { key: 'rsa2048' });
  const forged = await root.issue('forged', { forgedBy: other.key.privateKey });
  assert.equal(new X509Certificate(forged.der).verify(root.key.publicKey), false);
  const weak = await root.issue('weak', { key: 'rsa1024', sha1: true });
  assert.deepEqual(weak.certificate.spki.key.type, 'rsa');
  assert.equal(weak.certificate.signatureAlgorithm.oid, '1.2.840.113549.1.1.5');
  const bare = await root.issue('bare', { bare: true });
  assert.equal(bare.certificate.extensions.length, 0);
});

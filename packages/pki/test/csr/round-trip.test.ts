import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildCsr, buildName, nameToString, parseCsr, subjectAltName, verifySignature } from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner } from '@countersign/trust';

test('a request that was built says the same when it is read, and proves possession', async () => {
  const { privateKey, spki } = await generateKeyPair('p256');
  const der = await buildCsr(
    {
      subject: buildName([{ type: 'CN', value: 'demo' }]),
      extensions: [subjectAltName([{ type: 'dns', value: 'demo.example' }])],
      challengePassword: 'sésame',
    },
    nodeSigner(privateKey),
  );
  const csr = parseCsr(der);
  assert.equal(nameToString(csr.subject), 'CN=demo');
  assert.deepEqual(csr.spki.der, spki);
  assert.deepEqual(csr.requestedExtensions.subjectAltName, [{ type: 'dns', value: 'demo.example' }]);
  assert.equal(csr.challengePassword, 'sésame');
  assert.equal(verifySignature(csr, csr.spki, nodeCrypto).ok, true);

  const other = await generateKeyPair('p256');
  const stolen = await buildCsr({ subject: csr.subject }, { ...nodeSigner(other.privateKey), spki });
  assert.equal(verifySignature(parseCsr(stolen), parseCsr(stolen).spki, nodeCrypto).ok, false);
});

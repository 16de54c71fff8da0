import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createRoot, TEST_TIME } from '@countersign/testkit';
import { nodeCrypto, nodeSigner } from '@countersign/trust';

import {
  buildOcspResponse,
  ocspCertId,
  verifyOcspResponse,
  type OcspAnswer,
  type OcspCertId,
} from '../../src/index.ts';

const HOUR = 3_600_000;
const ca = await createRoot('CA', { now: TEST_TIME });
const { certificate } = await ca.issue('leaf');

test('each part of a CertID counts: name, key, and the digest that it says (RFC 6960, 4.1.1)', async () => {
  const right = ocspCertId(certificate, ca.certificate, 'sha256', nodeCrypto);
  const other = ocspCertId(certificate, ca.certificate, 'sha1', nodeCrypto);
  const about = (certId: OcspCertId): OcspAnswer => ({
    certId,
    status: { status: 'good' },
    thisUpdate: TEST_TIME - HOUR,
    nextUpdate: TEST_TIME + HOUR,
  });
  const statusOf = async (...certIds: readonly OcspCertId[]): Promise<string> => {
    const responderId = { type: 'name', name: ca.certificate.subject } as const;
    const template = { responderId, producedAt: TEST_TIME - HOUR, answers: certIds.map(about) };
    const response = await buildOcspResponse(template, nodeSigner(ca.key.privateKey));
    return verifyOcspResponse(response, { certificate, issuer: ca.certificate, time: TEST_TIME, crypto: nodeCrypto })
      .status;
  };
  assert.equal(await statusOf(right), 'good');
  assert.equal(await statusOf(other), 'good');
  const flip = (octets: Uint8Array): Uint8Array => octets.map((octet, index) => (index === 0 ? octet ^ 1 : octet));
  const wrong: Readonly<Record<string, Partial<OcspCertId>>> = {
    'another name': { issuerNameHash: flip(right.issuerNameHash) },
    'another key': { issuerKeyHash: flip(right.issuerKeyHash) },
    'a name cut short': { issuerNameHash: right.issuerNameHash.subarray(1) },
    'a digest that is not the one it says': { issuerNameHash: other.issuerNameHash },
  };
  for (const [what, change] of Object.entries(wrong)) {
    assert.equal(await statusOf({ ...right, ...change }), 'unknown', what);
    // It says nothing, and takes nothing away from one that does.
    assert.equal(await statusOf({ ...right, ...change }, right), 'good', what);
  }
});

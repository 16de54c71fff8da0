import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCertificate } from '@countersign/pki';
import { verifyJws } from '@countersign/trust';
import { KEY_KINDS } from '@countersign/trust/key-kinds';
import { snapshotSigner } from '../../src/domain/snapshot-jws.ts';
import { testDomain } from '../support/context.ts';
import { issuingOf } from '../support/ocsp.ts';

describe('the signature of a snapshot', () => {
  // A longer RSA key signs in no other way.
  for (const kind of KEY_KINDS.filter((name) => !/3072|4096/u.test(name))) {
    it(`is one that a gateway verifies, with an issuing CA of the kind ${kind}`, async () => {
      await using domain = await testDomain();
      const [issuer] = (await issuingOf(domain, kind)).issuing;
      assert.ok(issuer);
      const claims = { epoch: 'e', seq: 1, issuedAt: 2, sha256: 'ab' };
      const verified = verifyJws(await snapshotSigner(() => issuer)(claims), 'countersign-snapshot');
      assert.deepEqual(verified?.payload, claims);
      assert.deepEqual(verified.chain[0].der, parseCertificate(issuer.certificate.der).der);
    });
  }
});

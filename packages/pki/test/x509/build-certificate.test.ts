import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assembleSigned,
  buildCertificate,
  buildName,
  buildTbs,
  PkiError,
  profileName,
  type CertificateTemplate,
} from '@countersign/pki';
import { generateKeyPair } from '@countersign/trust';

const { spki } = await generateKeyPair('p256');
const name = buildName([{ type: 'CN', value: 'a' }]);

function template(octets: number): CertificateTemplate {
  const extensions = [profileName('x'.repeat(octets))];
  return { serialNumber: '01', issuer: name, subject: name, notBefore: 0, notAfter: 1000, spki, extensions };
}

test('a certificate is its signed part, algorithm and signature, whatever their sizes', async () => {
  for (const signatureOctets of [0, 1, 64, 72, 126, 127, 139, 141, 142, 143, 144, 256, 512, 4627]) {
    for (const octets of [1, 60, 61, 62, 63, 64, 100, 200, 65_100, 65_200, 65_300, 65_400, 70_000]) {
      const signature = new Uint8Array(signatureOctets).fill(0xa5);
      let signed: Uint8Array | undefined;
      const sign = (data: Uint8Array): Uint8Array => {
        signed = data.slice();
        return signature;
      };
      const built = await buildCertificate(template(octets), { spki, scheme: 'ecdsa-sha256', sign });
      const tbs = buildTbs(template(octets), 'ecdsa-sha256');
      assert.deepEqual(signed, tbs);
      assert.deepEqual(built, assembleSigned(tbs, 'ecdsa-sha256', signature), `${signatureOctets}, ${octets}`);
    }
  }
});

test('a signer that takes its time signs its own certificate, whatever is built meanwhile', async () => {
  const waiting: (() => void)[] = [];
  const slow = {
    spki,
    scheme: 'ecdsa-sha256',
    // "Signs" with the data as they are when the signature is made.
    sign: async (data: Uint8Array) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return data.slice(0, 100);
    },
  } as const;
  const sizes = [10, 50, 300];
  const building = sizes.map((octets) => buildCertificate(template(octets), slow));
  for (const resume of waiting.toReversed()) resume();
  const built = await Promise.all(building);
  for (const [i, octets] of sizes.entries()) {
    const tbs = buildTbs(template(octets), 'ecdsa-sha256');
    assert.deepEqual(built[i], assembleSigned(tbs, 'ecdsa-sha256', tbs.slice(0, 100)));
  }
});

test('a serial number is positive and has at most 20 octets', () => {
  const build = (serialNumber: string | Uint8Array): Uint8Array =>
    buildTbs({ ...template(1), serialNumber }, 'ecdsa-sha256');
  for (const good of ['1', '001', '7f'.repeat(20), `00${'7f'.repeat(20)}`, 'ff'.repeat(19)]) assert.ok(build(good));
  for (const bad of ['', '0', '0000', 'ff'.repeat(20), '01'.repeat(21), '7f'.repeat(200), new Uint8Array(3)]) {
    assert.throws(
      () => build(bad),
      (error) => error instanceof PkiError && error.code === 'cert_serial',
    );
  }
});

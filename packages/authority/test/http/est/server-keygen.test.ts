import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { der, fromHex, KEY_DELIVERY_OID, parseCertificate, parseCertsOnly, pemDecode } from '@countersign/pki';
import type { CsrAttribute } from '@countersign/pki';
import { createRoot, temporaryFolder, without } from '@countersign/testkit';
import type { CertificateOptions, TemporaryFolder, TestCa } from '@countersign/testkit';
import { openSqliteStore } from '../../../src/adapters/sqlite/store.ts';
import { call } from '../../support/client.ts';
import type { Answer, ClientIdentity } from '../../support/client.ts';
import { basic, enrollBy, estRequest } from '../../support/est.ts';
import { openKey, partsOf } from '../../support/est-keygen.ts';
import { newRequest } from '../../support/keys.ts';
import { runningTest, sharedTest } from '../../support/running.ts';
import type { RunningTest } from '../../support/running.ts';

const keyType = 'application/pkcs7-mime; smime-type=server-generated-key';
const certificateType = 'application/pkcs7-mime; smime-type=certs-only';

describe('EST, keys that are made by the server', () => {
  let folder: TemporaryFolder;
  let factory: TestCa;
  let running: RunningTest;
  before(async () => {
    folder = temporaryFolder('countersign-factory-');
    factory = await createRoot('Factory');
    writeFileSync(join(folder.path, 'factory.pem'), factory.pem);
    const factories = { sensors: { ca: [join(folder.path, 'factory.pem')], name: 'sensor-{cn}' } };
    running = await runningTest({
      est: { factories, serverKeygen: { device: {}, peer: {}, client: { key: 'rsa2048' } } },
      profiles: { peer: { approval: 'always' } },
    });
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  async function device(cn: string, options: CertificateOptions = {}): Promise<ClientIdentity> {
    const made = await factory.issue(cn, { usages: null, keyUsage: null, ...options });
    return { key: made.keyPem, cert: made.pem };
  }

  async function ask(
    identity: ClientIdentity | undefined,
    name: string,
    { attributes = [], headers = {}, path = 'serverkeygen' }: AskOptions = {},
  ): Promise<Answer> {
    const { body } = await estRequest(name === '' ? [] : [{ type: 'CN', value: name }], [], attributes);
    return enrollBy(running.remote(identity), path, body, headers);
  }

  async function token(name: string, profile = 'device'): Promise<string> {
    return (await running.ask('POST', '/v1/tokens', { name, profile })).body.token;
  }

  /** What an answer holds for whoever has `by`. */
  async function opened(answer: Answer, by: ClientIdentity): Promise<{ key: KeyObject; certificate: X509Certificate }> {
    const parts = partsOf(answer);
    assert.deepEqual([...parts.keys()], [keyType, certificateType]);
    const { certificates } = parseCertsOnly(parts.get(certificateType) ?? new Uint8Array());
    const key = await openKey(parts.get(keyType) ?? new Uint8Array(), by, running.ca);
    return { key, certificate: new X509Certificate(Buffer.from(certificates[0] ?? [])) };
  }

  const openssl = without('openssl');

  it('go to a certificate of ours, encrypted to it, for its own names', { skip: openssl }, async () => {
    for (const kind of ['p256', 'p384', 'rsa2048'] as const) {
      const { csr, keyPem } = await newRequest(kind);
      const name = `kg-${kind}`;
      const { body } = await running.ask('POST', '/v1/certificates', { name, profile: 'device', csr });
      const own = { key: keyPem, cert: body.certificate };
      const answer = await ask(own, name, { path: 'device/serverkeygen' });
      assert.equal(answer.headers['cache-control'], 'no-store');
      const { key, certificate } = await opened(answer, own);
      assert.equal(certificate.subject, `CN=${name}`);
      assert.ok(certificate.checkPrivateKey(key));
      assert.equal(key.asymmetricKeyType, 'ec');
      // What comes can be sent a key, too, and so on.
      const [block] = pemDecode(certificate.toString());
      const usage = parseCertificate(block?.der ?? new Uint8Array()).keyUsage;
      assert.deepEqual(usage?.names, ['digitalSignature', 'keyAgreement']);
      const next = { key: key.export({ type: 'pkcs8', format: 'pem' }), cert: certificate.toString() };
      const second = await opened(await ask(next, name), next);
      assert.ok(second.certificate.checkPrivateKey(second.key));
      assert.equal(second.certificate.checkPrivateKey(key), false);
    }
  });

  it('are of the kind that the profile says', { skip: openssl }, async () => {
    const own = await running.issued('kg-client', 'client');
    const { key, certificate } = await opened(await ask(own, ''), own);
    assert.equal(key.asymmetricKeyType, 'rsa');
    assert.equal(certificate.subject, 'CN=kg-client');
    assert.ok(certificate.checkPrivateKey(key));
  });

  it("go to a factory's certificate, or by a token to the certificate beside it", { skip: openssl }, async () => {
    const own = await device('k1');
    const first = await opened(await ask(own, 'sensor-k1'), own);
    assert.equal(first.certificate.subject, 'CN=sensor-k1');
    assert.ok(first.certificate.checkPrivateKey(first.key));
    const given = await token('kg-token');
    const answer = await ask(own, 'kg-token', { headers: basic(given) });
    const { key, certificate } = await opened(answer, own);
    assert.equal(certificate.subject, 'CN=kg-token');
    assert.ok(certificate.checkPrivateKey(key));
    const again = await ask(own, 'kg-token', { headers: basic(given) });
    assert.match(again.text, /^token_used: /u);
  });

  it('are opened with the key that the client has named, by what it has said it knows', { skip: openssl }, async () => {
    const own = await device('k2');
    const { spki, subjectKeyId = new Uint8Array() } = parseCertificate(pemDecode(own.cert)[0]?.der ?? new Uint8Array());
    const sha256 = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(spki.der)));
    for (const id of [subjectKeyId, sha256]) {
      const attributes = [clientKey(id), capable('2.16.840.1.101.3.4.1.42', '2.16.840.1.101.3.4.1.45')];
      const { key, certificate } = await opened(await ask(own, '', { attributes }), own);
      assert.ok(certificate.checkPrivateKey(key));
    }
  });

  it('are refused where nothing could be encrypted to the client, and nothing is issued or used up', async () => {
    const good = await device('k3');
    const given = await token('kg-refused');
    const cases: readonly (readonly [ClientIdentity | undefined, AskOptions, RegExp])[] = [
      [undefined, { headers: basic(given) }, /^key_not_deliverable: .*it shows none/u],
      [await device('k3', { key: 'ed25519' }), {}, /^key_not_deliverable: .*only signs/u],
      [await device('k3', { keyUsage: ['digitalSignature'] }), {}, /^key_not_deliverable: .*key usage/u],
      [good, { attributes: [clientKey(fromHex('00'))] }, /^key_not_deliverable: AsymmetricDecryptKeyIdentifier/u],
      [good, { attributes: [sharedKey] }, /^key_not_deliverable: .*DecryptKeyIdentifier/u],
      [good, { attributes: [capable('2.16.840.1.101.3.4.1.2')] }, /^key_not_deliverable: .*AES-256-CBC/u],
      [
        good,
        { attributes: [capable('2.16.840.1.101.3.4.1.42', '2.16.840.1.101.3.4.1.5')] },
        /^key_not_deliverable: .*key wraps/u,
      ],
      [good, { attributes: [{ ...sharedKey, values: [der.integer(1)] }] }, /^csr_invalid: /u],
      [good, { path: 'client/serverkeygen' }, /^forbidden: /u],
      [undefined, {}, /^no_credentials: /u],
      [await running.issued('kg-none', 'person'), {}, /^forbidden: no keys are made here for profile person/u],
      [await running.issued('kg-peer', 'peer'), {}, /^forbidden: an administrator has to approve/u],
    ];
    for (const [identity, options, words] of cases) {
      const answer = await ask(identity, '', options);
      assert.ok([400, 401, 403].includes(answer.status));
      assert.match(answer.text, words);
    }
    assert.match((await ask(good, 'sensor-other')).text, /^name_not_proven: /u);
    const { body } = await running.ask('GET', '/v1/certificates?name=sensor-k3');
    assert.deepEqual(body.certificates, []);
    const { body: request } = await estRequest([{ type: 'CN', value: 'kg-refused' }]);
    const enrolled = await enrollBy(running.remote(), 'simpleenroll', request, basic(given));
    assert.equal(enrolled.status, 200, enrolled.text);
  });

  it('are not kept: what is stored is a record of whom they were made for', { skip: openssl }, async () => {
    const own = await device('k4');
    const { key, certificate } = await opened(await ask(own, ''), own);
    const secret = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
    assert.equal(secret.length, 32);
    const forms = [secret, secret.toString('hex'), secret.toString('base64').slice(1, -3)];
    for (const path of readdirSync(running.data, { recursive: true, encoding: 'utf8' })) {
      const file = join(running.data, path);
      if (!statSync(file).isFile()) continue;
      for (const form of forms) assert.equal(readFileSync(file).includes(form), false, path);
    }
    const store = openSqliteStore(join(running.data, 'authority.sqlite'));
    try {
      const records = await store.auditAfter(0, 1000);
      const { action, actor, details } = records.at(-1) ?? {};
      const encryptedTo = new X509Certificate(own.cert).fingerprint256.replaceAll(':', '').toLowerCase();
      const serial = certificate.serialNumber.toLowerCase().replace(/^0+/u, '');
      assert.equal(action, 'key.generated');
      assert.deepEqual([actor?.kind, actor?.name], ['factory', 'sensors']);
      assert.deepEqual(
        { ...details, serial: String(details?.['serial']).replace(/^0+/u, '') },
        { serial, name: 'sensor-k4', profile: 'device', kind: 'p256', encryptedTo },
      );
      assert.equal(records.at(-2)?.action, 'certificate.issued');
    } finally {
      await store.close();
    }
  });

  it('are announced by csrattrs where they are made, and not there where none are', async () => {
    const attributes = async (of: RunningTest, path: string): Promise<string> =>
      Buffer.from((await call(of.remote(), 'GET', `/.well-known/est/${path}`)).text, 'base64').toString('hex');
    // id-aa-asymmDecryptKeyID, smimeCapabilities
    const announced = '060b2a864886f70d010910023606092a864886f70d01090f';
    assert.ok((await attributes(running, 'csrattrs')).endsWith(announced));
    assert.ok((await attributes(running, 'device/csrattrs')).endsWith(announced));
    assert.ok(!(await attributes(running, 'server/csrattrs')).includes(announced));
    const plain = await sharedTest();
    assert.ok(!(await attributes(plain, 'csrattrs')).includes(announced));
    const { body } = await estRequest([]);
    assert.equal((await enrollBy(plain.remote(), 'serverkeygen', body)).status, 404);
    // Nor are keys sent to certificates there: they say nothing of it.
    const { cert } = await plain.issued('kg-plain', 'device');
    const { keyUsage } = parseCertificate(pemDecode(cert)[0]?.der ?? new Uint8Array());
    assert.deepEqual(keyUsage?.names, ['digitalSignature']);
  });
});

interface AskOptions {
  readonly attributes?: readonly CsrAttribute[];
  readonly headers?: Record<string, string>;
  readonly path?: string;
}

const clientKey = (id: Uint8Array): CsrAttribute => ({
  type: KEY_DELIVERY_OID.clientKeyId,
  values: [der.octetString(id)],
});
const sharedKey: CsrAttribute = {
  type: KEY_DELIVERY_OID.sharedKeyId,
  values: [der.octetString(fromHex('01'))],
};
const capable = (...oids: readonly string[]): CsrAttribute => ({
  type: KEY_DELIVERY_OID.capabilities,
  values: [der.sequence(...oids.map((one) => der.sequence(der.oid(one))))],
});

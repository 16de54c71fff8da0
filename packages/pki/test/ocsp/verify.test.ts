import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  buildName,
  buildOcspError,
  buildOcspRequest,
  buildOcspResponse,
  concatOctets,
  der,
  keyUsage,
  ocspCertId,
  ocspNoCheck,
  OID,
  parseOcspRequest,
  parseOcspResponse,
  verifyOcspResponse,
} from '@countersign/pki';
import type {
  OcspAnswer,
  OcspResponderId,
  OcspResponseTemplate,
  OcspResult,
  VerifyOcspOptions,
} from '@countersign/pki';
import { createRoot, temporaryFolder, TEST_TIME, without } from '@countersign/testkit';
import type { CertificateOptions, TestCa, TestCertificate } from '@countersign/testkit';
import { nodeCrypto, nodeSigner } from '@countersign/trust';

const hour = 3_600_000;

describe('OCSP', () => {
  let ca: TestCa;
  let otherCa: TestCa;
  let leaf: TestCertificate;
  before(async () => {
    ca = await createRoot('OCSP Issuing', { now: TEST_TIME });
    otherCa = await createRoot('Other', { now: TEST_TIME });
    leaf = await ca.issue('leaf');
  });

  const keyId = (certificate: TestCertificate): OcspResponderId => ({
    type: 'key',
    keyHash: nodeCrypto.digest('sha1', certificate.certificate.spki.bits),
  });
  const answer = (change: Partial<OcspAnswer> = {}): OcspAnswer => ({
    certId: ocspCertId(leaf.certificate, ca.certificate, 'sha256', nodeCrypto),
    status: { status: 'good' },
    thisUpdate: TEST_TIME - hour,
    nextUpdate: TEST_TIME + hour,
    ...change,
  });
  const respond = (change: Partial<OcspResponseTemplate> = {}, signer: TestCertificate = ca): Promise<Uint8Array> =>
    buildOcspResponse(
      { responderId: keyId(signer), producedAt: TEST_TIME - hour, answers: [answer()], ...change },
      nodeSigner(signer.key.privateKey),
    );
  const verify = (response: Uint8Array, change: Partial<VerifyOcspOptions> = {}): OcspResult =>
    verifyOcspResponse(response, {
      certificate: leaf.certificate,
      issuer: ca.certificate,
      time: TEST_TIME,
      crypto: nodeCrypto,
      ...change,
    });
  const refused = (result: OcspResult, code: string): void => {
    assert.ok(result.status === 'unknown', result.status);
    assert.equal(result.code, code, result.detail);
  };
  const delegate = (options: CertificateOptions = {}, issuer: TestCa = ca): Promise<TestCertificate> =>
    issuer.issue('responder', { usages: [OID.ocspSigning], extensions: [ocspNoCheck()], ...options });
  const delegated = (responder: TestCertificate, change: Partial<OcspResponseTemplate> = {}): Promise<Uint8Array> =>
    respond({ certificates: [responder.der], ...change }, responder);

  test('a good answer of the issuer itself, by key and by name', async () => {
    for (const responderId of [keyId(ca), { type: 'name', name: ca.certificate.subject } as const]) {
      const result = verify(await respond({ responderId }));
      assert.ok(result.status === 'good', JSON.stringify(result));
      assert.equal(result.staleAt, TEST_TIME + hour);
      assert.equal(result.responder.kind, 'issuer');
    }
  });

  test('a revocation tells its time and reason', async () => {
    const status = { status: 'revoked', revocationTime: TEST_TIME - 2 * hour, reason: 'keyCompromise' } as const;
    const result = verify(await respond({ answers: [answer({ status })] }));
    assert.ok(result.status === 'revoked');
    assert.equal(result.revocationTime, TEST_TIME - 2 * hour);
    assert.equal(result.reason, 'keyCompromise');
  });

  test('unknown is not good, and the worst of several answers counts', async () => {
    const unknown = answer({ status: { status: 'unknown' } });
    const revoked = answer({ status: { status: 'revoked', revocationTime: TEST_TIME - hour } });
    refused(verify(await respond({ answers: [unknown] })), 'ocsp_certificate_unknown');
    refused(verify(await respond({ answers: [answer(), unknown] })), 'ocsp_certificate_unknown');
    assert.equal(verify(await respond({ answers: [revoked, answer(), unknown] })).status, 'revoked');
    assert.equal(verify(await respond({ answers: [answer({ nextUpdate: TEST_TIME }), answer()] })).status, 'good');
  });

  test('an answer about another certificate is none', async () => {
    const sibling = await ca.issue('sibling');
    const namesake = await otherCa.issue('leaf', { serial: leaf.certificate.serialHex });
    const about = (certificate: TestCertificate, issuer: TestCa): OcspAnswer =>
      answer({ certId: ocspCertId(certificate.certificate, issuer.certificate, 'sha1', nodeCrypto) });
    refused(verify(await respond({ answers: [about(sibling, ca)] })), 'ocsp_no_answer');
    refused(verify(await respond({ answers: [about(namesake, otherCa)] })), 'ocsp_no_answer');
    const strange = { ...answer().certId, digest: undefined };
    refused(
      verify(
        await respond({
          answers: [
            answer({
              certId: { ...strange, hashAlgorithm: { ...strange.hashAlgorithm, der: der.sequence(der.oid('1.2.3')) } },
            }),
          ],
        }),
      ),
      'ocsp_no_answer',
    );
  });

  test('dates: from the future, expired, without end, too old for the asker', async () => {
    const dated = async (
      change: Partial<OcspAnswer>,
      options: Partial<VerifyOcspOptions> = {},
    ): Promise<OcspResult> => {
      const { nextUpdate: _, ...open } = answer(change);
      return verify(await respond({ answers: [change.nextUpdate === undefined ? open : answer(change)] }), options);
    };
    refused(await dated({ thisUpdate: TEST_TIME + 1000 }), 'ocsp_not_yet_valid');
    assert.equal((await dated({ thisUpdate: TEST_TIME + 1000 }, { clockSkewSeconds: 5 })).status, 'good');
    refused(await dated({ nextUpdate: TEST_TIME }), 'ocsp_expired');
    assert.equal((await dated({ nextUpdate: TEST_TIME + 1000 })).status, 'good');
    refused(await dated({ thisUpdate: TEST_TIME - hour, nextUpdate: TEST_TIME - 2 * hour }), 'ocsp_expired');
    assert.equal((await dated({ thisUpdate: TEST_TIME - 6 * 24 * hour })).status, 'good');
    refused(await dated({ thisUpdate: TEST_TIME - 7 * 24 * hour }), 'ocsp_expired');
    refused(
      await dated({ thisUpdate: TEST_TIME - hour, nextUpdate: TEST_TIME + hour }, { maxAgeSeconds: 3600 }),
      'ocsp_expired',
    );
    refused(verify(await respond({ producedAt: TEST_TIME + 1000 })), 'ocsp_produced_at');
    refused(verify(await respond({ producedAt: leaf.certificate.notBefore - 1000 })), 'ocsp_produced_at');
  });

  test('a delegate whom the issuer certified for it may answer', async () => {
    const result = verify(await delegated(await delegate()));
    assert.ok(result.status === 'good', JSON.stringify(result));
    assert.equal(result.responder.kind, 'delegated');
    const extra = [leaf.der, otherCa.der];
    const responder = await delegate();
    assert.equal(verify(await delegated(responder, { certificates: [...extra, responder.der] })).status, 'good');
  });

  test('whom the issuer did not certify for it may not', async () => {
    const cases: CertificateOptions[] = [
      { usages: [OID.clientAuth] },
      { usages: [OID.anyExtendedKeyUsage] },
      { usages: null },
      { keyUsage: ['keyEncipherment'] },
      { extensions: [{ oid: '1.2.3.4', critical: true, value: der.nullValue() }] },
    ];
    for (const options of cases) {
      refused(verify(await delegated(await delegate(options))), 'ocsp_responder_unauthorized');
    }
    // The subject certificate's own holder is certified by the issuer too.
    refused(verify(await delegated(leaf)), 'ocsp_responder_unauthorized');
  });

  test('a forged delegate with the right name and usage fails on the signature of its certificate', async () => {
    const impostor = await createRoot('OCSP Issuing', { now: TEST_TIME, subject: ca.certificate.subject });
    refused(verify(await delegated(await delegate({}, impostor))), 'ocsp_responder_unauthorized');
    refused(verify(await delegated(await delegate({}, otherCa))), 'ocsp_responder_unauthorized');
    const below = await ca.issueCa('below');
    refused(verify(await delegated(await delegate({}, below))), 'ocsp_responder_unauthorized');
    refused(verify(await respond({ responderId: keyId(ca) }, impostor)), 'ocsp_signature');
    refused(
      verify(await respond({ responderId: { type: 'name', name: impostor.certificate.subject } }, impostor)),
      'ocsp_signature',
    );
  });

  test('a delegate that has expired, is not yet valid, or is revoked may not answer', async () => {
    refused(verify(await delegated(await delegate({ notAfter: TEST_TIME - 1000 }))), 'ocsp_responder_expired');
    refused(verify(await delegated(await delegate({ notBefore: TEST_TIME + 1000 }))), 'ocsp_responder_expired');
    const checked = await delegated(await delegate({ extensions: [] }));
    assert.equal(verify(checked, { responderStatus: () => 'good' }).status, 'good');
    refused(verify(checked, { responderStatus: () => 'revoked' }), 'ocsp_responder_revoked');
    refused(verify(checked, { responderStatus: () => 'unknown' }), 'ocsp_responder_revoked');
    const noCheck = await delegated(await delegate());
    assert.equal(verify(noCheck, { responderStatus: () => 'revoked' }).status, 'good');
  });

  test("weak keys and algorithms are refused, the delegate's own certificate included", async () => {
    refused(verify(await delegated(await delegate({ key: 'rsa1024' }))), 'ocsp_weak');
    const sha1 = await delegate({ sha1: true });
    refused(verify(await delegated(sha1)), 'ocsp_weak');
    assert.equal(verify(await delegated(sha1), { algorithms: 'legacy' }).status, 'good');
  });

  test('a responder that is trusted by configuration may answer, and only that one', async () => {
    const own = await otherCa.issue('our responder', { usages: [OID.ocspSigning] });
    const response = await respond({}, own);
    refused(verify(response), 'ocsp_responder_unknown');
    const result = verify(response, { trustedResponders: [own.certificate] });
    assert.ok(result.status === 'good');
    assert.equal(result.responder.kind, 'trusted');
    refused(
      verify(await delegated(await delegate({}, otherCa)), { trustedResponders: [own.certificate] }),
      'ocsp_responder_unauthorized',
    );
  });

  test('nonces: the same, another, none', async () => {
    const nonce = new Uint8Array(32).fill(7);
    assert.equal(verify(await respond({ nonce }), { nonce }).status, 'good');
    refused(verify(await respond({ nonce: nonce.map((octet) => octet + 1) }), { nonce }), 'ocsp_nonce');
    refused(verify(await respond(), { nonce }), 'ocsp_nonce');
    assert.equal(verify(await respond(), { nonce, allowMissingNonce: true }).status, 'good');
    assert.equal(verify(await respond({ nonce })).status, 'good');
    assert.throws(
      () => buildOcspRequest([leaf.certificate], ca.certificate, nodeCrypto, { nonce: new Uint8Array(129) }),
      { code: 'argument' },
    );
    const withNonce = (octets: number): Uint8Array =>
      der.sequence(
        der.sequence(
          der.sequence(...questionsOf(buildOcspRequest([leaf.certificate], ca.certificate, nodeCrypto))),
          der.explicit(
            2,
            der.sequence(
              der.sequence(der.oid('1.3.6.1.5.5.7.48.1.2'), der.octetString(der.octetString(new Uint8Array(octets)))),
            ),
          ),
        ),
      );
    assert.equal(parseOcspRequest(withNonce(128)).nonce?.length, 128);
    for (const octets of [0, 129]) assert.throws(() => parseOcspRequest(withNonce(octets)), { code: 'ocsp_malformed' });
  });

  test('errors, other files and every truncation are unknown, never a throw', async () => {
    const errors = ['malformedRequest', 'internalError', 'tryLater', 'sigRequired', 'unauthorized'] as const;
    for (const status of errors) {
      assert.deepEqual(verify(buildOcspError(status)), { status: 'unknown', code: 'ocsp_error', detail: status });
    }
    const response = await delegated(await delegate());
    for (let length = 0; length < response.length; length++)
      refused(verify(response.subarray(0, length)), 'ocsp_malformed');
    refused(verify(concatOctets([response, Uint8Array.of(0)])), 'ocsp_malformed');
    refused(verify(leaf.der), 'ocsp_malformed');
    refused(verify(der.sequence(der.enumerated(4))), 'ocsp_malformed');
    refused(verify(der.sequence(der.enumerated(0))), 'ocsp_malformed');
  });

  test('no flipped bit makes an answer good', async () => {
    const status = { status: 'revoked', revocationTime: TEST_TIME - hour } as const;
    const response = await respond({ answers: [answer({ status })] });
    const { basic } = parseOcspResponse(response);
    assert.ok(basic);
    const from = Buffer.from(response).indexOf(basic.tbs);
    for (let bit = 0; bit < 8 * basic.tbs.length; bit += 5) {
      const changed = Uint8Array.from(response);
      const at = from + (bit >> 3);
      changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7));
      assert.equal(verify(changed).status, 'unknown');
    }
  });

  test('openssl reads our responses', { skip: without('openssl') }, async () => {
    using folder = temporaryFolder();
    const files = {
      ca: join(folder.path, 'ca.pem'),
      leaf: join(folder.path, 'leaf.pem'),
    };
    writeFileSync(files.ca, ca.pem);
    writeFileSync(files.leaf, leaf.pem);
    const status = { status: 'revoked', revocationTime: TEST_TIME - hour, reason: 'superseded' } as const;
    const response = join(folder.path, 'response.der');
    writeFileSync(
      response,
      await respond({
        answers: [answer({ status, certId: ocspCertId(leaf.certificate, ca.certificate, 'sha1', nodeCrypto) })],
      }),
    );
    const at = ['-attime', String(TEST_TIME / 1000)];
    const shown = execFileSync(
      'openssl',
      [
        'ocsp',
        '-respin',
        response,
        '-issuer',
        files.ca,
        '-cert',
        files.leaf,
        '-CAfile',
        files.ca,
        '-no_nonce',
        '-validity_period',
        '999999999',
        ...at,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    assert.match(shown, /leaf.pem: revoked/);
    assert.match(shown, /Reason: superseded/);
  });

  test("openssl's responder answers our requests, nonce and all", { skip: without('openssl') }, async () => {
    using folder = temporaryFolder();
    const path = (name: string): string => join(folder.path, name);
    // It answers by the clock of the machine.
    const presentCa = await createRoot('Present', { now: Date.now() });
    const present = await presentCa.issue('present');
    const nonce = new Uint8Array(16).fill(9);
    writeFileSync(path('ca.pem'), presentCa.pem);
    writeFileSync(path('ca.key'), presentCa.keyPem, { mode: 0o600 });
    writeFileSync(
      path('index'),
      `V\t401231235959Z\t\t${present.certificate.serialHex.toUpperCase()}\tunknown\t/CN=present\n`,
    );
    writeFileSync(
      path('request'),
      buildOcspRequest([present.certificate], presentCa.certificate, nodeCrypto, { nonce }),
    );
    execFileSync(
      'openssl',
      [
        'ocsp',
        '-index',
        'index',
        '-CA',
        'ca.pem',
        '-rsigner',
        'ca.pem',
        '-rkey',
        'ca.key',
        '-reqin',
        'request',
        '-respout',
        'response',
        '-ndays',
        '1',
      ],
      { cwd: folder.path, stdio: 'ignore' },
    );
    const result = verify(readFileSync(path('response')), {
      certificate: present.certificate,
      issuer: presentCa.certificate,
      nonce,
      time: Date.now() + 1000,
    });
    assert.equal(result.status, 'good', JSON.stringify(result));
  });

  test('requests tell what was asked, of several certificates too', async () => {
    const sibling = await ca.issue('sibling');
    const request = parseOcspRequest(
      buildOcspRequest([leaf.certificate, sibling.certificate], ca.certificate, nodeCrypto, { digest: 'sha256' }),
    );
    assert.deepEqual(
      request.questions.map(({ certId }) => certId),
      [
        ocspCertId(leaf.certificate, ca.certificate, 'sha256', nodeCrypto),
        ocspCertId(sibling.certificate, ca.certificate, 'sha256', nodeCrypto),
      ],
    );
    assert.equal(request.signed, false);
    assert.throws(() => buildOcspRequest([], ca.certificate, nodeCrypto), { code: 'argument' });
    await assert.rejects(respond({ answers: [] }), { code: 'argument' });
    const name = buildName([{ type: 'CN', value: 'asker' }]);
    const question = questionsOf(buildOcspRequest([leaf.certificate], ca.certificate, nodeCrypto));
    const named = der.sequence(der.sequence(der.explicit(1, der.explicit(4, name.der)), der.sequence(...question)));
    assert.equal(parseOcspRequest(named).requestorName?.type, 'directory');
    assert.throws(() => parseOcspRequest(der.sequence(der.sequence(der.sequence()))), { code: 'ocsp_malformed' });
  });

  test('key usage without digitalSignature keeps a delegate from answering', async () => {
    const responder = await delegate({ extensions: [keyUsage(['keyAgreement'])] });
    refused(verify(await delegated(responder)), 'ocsp_responder_unauthorized');
  });
});

/** The questions of a request that has nothing else. */
function questionsOf(request: Uint8Array): Uint8Array[] {
  return parseOcspRequest(request).questions.map(({ certId }) =>
    der.sequence(
      der.sequence(
        certId.hashAlgorithm.der,
        der.octetString(certId.issuerNameHash),
        der.octetString(certId.issuerKeyHash),
        der.element(0x02, certId.serialNumber),
      ),
    ),
  );
}

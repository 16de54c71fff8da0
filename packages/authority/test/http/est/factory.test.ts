import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildName, pemEncode } from '@countersign/pki';
import { createRoot, eventually, temporaryFolder } from '@countersign/testkit';
import type { TemporaryFolder, TestCa, TestCertificate } from '@countersign/testkit';
import { call } from '../../support/client.ts';
import type { ClientIdentity } from '../../support/client.ts';
import { basic, certificatesOf, enrollBy, estRequest } from '../../support/est.ts';
import { newRequest } from '../../support/keys.ts';
import { runningTest } from '../../support/running.ts';
import type { RunningTest } from '../../support/running.ts';

/** What a device shows: its own certificate alone. */
function leafOf(certificate: TestCertificate): ClientIdentity {
  return { key: certificate.keyPem, cert: certificate.pem };
}

describe('devices with a certificate of their factory', () => {
  let folder: TemporaryFolder;
  let running: RunningTest;
  let factory: TestCa;
  let line: TestCa;
  let other: TestCa;
  const crlFile = (): string => join(folder.path, 'factory.crl');

  before(async () => {
    folder = temporaryFolder('countersign-factory-');
    [factory, other] = [await createRoot('Factory'), await createRoot('Other Factory')];
    line = await factory.issueCa('Line 7');
    const files = { factory: join(folder.path, 'factory.pem'), other: join(folder.path, 'other.pem') };
    writeFileSync(files.factory, factory.pem + line.pem);
    writeFileSync(files.other, other.pem);
    await writeCrl([]);
    running = await runningTest({
      est: {
        factories: {
          sensors: {
            ca: [files.factory],
            name: 'sensor-{serialNumber}',
            sans: ['dns:{serialNumber}.sensors.test', 'uri:urn:dev:{cn}'],
          },
          checked: { ca: [files.other], crl: [crlFile()], profile: 'client', name: 'meter-{cn}' },
        },
      },
    });
  });
  after(async () => {
    await running[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  async function writeCrl(revoked: readonly TestCertificate[]): Promise<void> {
    const number = revoked.length + 1;
    writeFileSync(`${crlFile()}.new`, pemEncode('X509 CRL', await other.crl({ revoked, number })));
    renameSync(`${crlFile()}.new`, crlFile());
  }

  /** A device as its factory made it: IEEE 802.1AR's serialNumber in the subject, no extendedKeyUsage. */
  function device(serialNumber: string, cn = 'model-1', by: TestCa = line): Promise<TestCertificate> {
    const subject = buildName([
      { type: 'O', value: 'Factory' },
      { type: 'CN', value: cn },
      { type: '2.5.4.5', value: serialNumber },
    ]);
    return by.issue(cn, { subject, usages: null });
  }

  it('enroll for the names that the rule makes of it', async () => {
    const made = await device('A1');
    const { body, key } = await estRequest([{ type: 'CN', value: 'sensor-A1' }]);
    const answer = await enrollBy(running.remote(leafOf(made)), 'device/simpleenroll', body);
    const certificate = new X509Certificate(certificatesOf(answer)[0] ?? '');
    assert.equal(certificate.subject, 'CN=sensor-A1');
    assert.equal(certificate.subjectAltName, 'DNS:a1.sensors.test, URI:urn:dev:model-1');
    const { body: list } = await running.ask('GET', '/v1/certificates?name=sensor-A1');
    assert.equal(list.certificates[0].profile, 'device');

    // From now on it has a certificate of ours, by which it re-enrolls.
    const keyPem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const own = { key: keyPem, cert: certificate.toString() };
    const again = await estRequest(
      [{ type: 'CN', value: 'sensor-A1' }],
      [
        { type: 'dns', value: 'a1.sensors.test' },
        { type: 'uri', value: 'urn:dev:model-1' },
      ],
    );
    assert.equal((await enrollBy(running.remote(own), 'simplereenroll', again.body)).status, 200);
    assert.match(
      (await enrollBy(running.remote(leafOf(made)), 'simplereenroll', again.body)).text,
      /^no_credentials: /u,
    );
  });

  it('get no other name and no other profile', async () => {
    const target = running.remote(leafOf(await device('A2')));
    for (const [subject, sans] of [
      [[{ type: 'CN', value: 'sensor-A1' }], []],
      [[], [{ type: 'dns', value: 'a1.sensors.test' }]],
      [[], [{ type: 'dns', value: '*.sensors.test' }]],
    ] as const) {
      const { body } = await estRequest(subject, sans);
      assert.match((await enrollBy(target, 'simpleenroll', body)).text, /^name_not_proven: /u);
    }
    const { body } = await estRequest([]);
    assert.match((await enrollBy(target, 'admin/simpleenroll', body)).text, /^forbidden: /u);
  });

  it('come in nowhere else with it', async () => {
    const target = running.remote(leafOf(await device('A3')));
    for (const [method, path] of [
      ['POST', '/v1/renew'],
      ['POST', '/v1/enroll'],
      ['GET', '/v1/health'],
      ['GET', '/v1/certificates'],
    ] as const) {
      const answer = await call(target, method, path, method === 'POST' ? {} : undefined);
      assert.equal(answer.body.code, 'untrusted_issuer', path);
    }
  });

  it('choose nothing but their own part of a name', async () => {
    const cases: readonly (readonly [string, string])[] = [
      ['x.evil', 'model'],
      ['a=b', 'model'],
      ['a b', 'model'],
      ['', 'model'],
      ['-a', 'model'],
      ['A4', '*'],
      ['A4', 'ä'],
      ['A4', '../admin'],
      ['A4', 'a/b'],
      ['A4', 'a,b'],
      ['A4', 'a\0b'],
      ['A4', 'xn--\u00fc'],
      ['A4', 'a:b'],
    ];
    for (const [serialNumber, cn] of cases) {
      const subject = buildName([
        { type: 'CN', value: cn },
        ...(serialNumber === '' ? [] : [{ type: '2.5.4.5', value: serialNumber }]),
      ]);
      const made = await line.issue(cn, { subject, usages: null });
      const { body } = await estRequest([]);
      const answer = await enrollBy(running.remote(leafOf(made)), 'simpleenroll', body);
      assert.match(answer.text, /^name_not_proven: /u, `${serialNumber} ${cn}`);
    }
    const twice = buildName([
      { type: 'CN', value: 'model' },
      { type: '2.5.4.5', value: 'A5' },
      { type: '2.5.4.5', value: 'A6' },
    ]);
    const made = await line.issue('twice', { subject: twice, usages: null });
    const { body } = await estRequest([]);
    assert.match((await enrollBy(running.remote(leafOf(made)), 'simpleenroll', body)).text, /^name_not_proven: /u);
  });

  it('are refused when their certificate is of nobody, has ended, or is for servers', async () => {
    const stranger = await (await createRoot('Factory')).issue('x', { usages: null });
    const ended = await line.issue('x', { notAfter: Date.now() - 1000, usages: null });
    const server = await line.issueServer('x.test');
    const { body } = await estRequest([]);
    for (const [made, code] of [
      [stranger, 'untrusted_issuer'],
      [ended, 'expired'],
      [server, 'wrong_usage'],
    ] as const) {
      const answer = await enrollBy(running.remote(leafOf(made)), 'simpleenroll', body);
      assert.equal(answer.status, 403);
      assert.equal(answer.text.split(':')[0], code);
    }
  });

  it('stay out after a revocation until an administrator allows them, whatever else their name gets, except after superseded', async () => {
    const made = await device('A7');
    const enroll = async (): Promise<string> => {
      const { body } = await estRequest([{ type: 'CN', value: 'sensor-A7' }]);
      const answer = await enrollBy(running.remote(leafOf(made)), 'simpleenroll', body);
      return answer.status === 200 ? 'enrolled' : (answer.text.split(':')[0] ?? '');
    };
    const revoke = (reason: string) => running.ask('POST', '/v1/revocations', { name: 'sensor-A7', reason });
    assert.equal(await enroll(), 'enrolled');
    await revoke('superseded');
    assert.equal(await enroll(), 'enrolled');
    const renewed = async (): Promise<number> => {
      // Another certificate of the name, by token, which renews itself.
      const other = await running.issued('sensor-A7', 'device');
      return (await call(running.remote(other), 'POST', '/v1/renew', { csr: (await newRequest()).csr })).status;
    };
    for (const reason of ['keyCompromise', 'unspecified', 'affiliationChanged', 'certificateHold']) {
      await revoke(reason);
      assert.equal(await enroll(), 'identity_blocked', reason);
      if (reason !== 'keyCompromise') {
        const { body: given } = await running.ask('POST', '/v1/tokens', { name: 'sensor-A7', profile: 'device' });
        const { body } = await estRequest([{ type: 'CN', value: 'sensor-A7' }]);
        const answer = await enrollBy(running.remote(leafOf(made)), 'simpleenroll', body, basic(given.token));
        assert.equal(answer.status, 200, answer.text);
        assert.equal(await renewed(), 200);
        assert.equal(await enroll(), 'identity_blocked', `${reason}: neither a token nor a renewal opens this door`);
      }
      const allowed = await running.ask('POST', '/v1/blocks/removals', { name: 'sensor-A7' });
      assert.equal(allowed.status, 200, allowed.text);
      assert.equal(await enroll(), 'enrolled', reason);
    }
    assert.equal((await running.ask('POST', '/v1/blocks/removals', { name: 'sensor-A7' })).body.code, 'not_blocked');
  });

  it('may come in again when their hold is released', async () => {
    const made = await device('A8');
    const { body } = await estRequest([{ type: 'CN', value: 'sensor-A8' }]);
    const enroll = async (): Promise<number> =>
      (await enrollBy(running.remote(leafOf(made)), 'simpleenroll', body)).status;
    assert.equal(await enroll(), 200);
    await running.ask('POST', '/v1/revocations', { name: 'sensor-A8', reason: 'certificateHold' });
    assert.equal(await enroll(), 403);
    await running.ask('POST', '/v1/releases', { name: 'sensor-A8' });
    assert.equal(await enroll(), 200);
  });

  it('are held against the CRLs of their factory, as these change', async () => {
    const made = await other.issue('M1', { usages: null });
    const enroll = async (): Promise<string> => {
      const { body } = await estRequest([{ type: 'CN', value: 'meter-M1' }]);
      const answer = await enrollBy(running.remote(leafOf(made)), 'client/simpleenroll', body);
      return answer.status === 200 ? 'enrolled' : (answer.text.split(':')[0] ?? '');
    };
    assert.equal(await enroll(), 'enrolled');
    await writeCrl([made]);
    await eventually('its revocation is known', 30_000, async () => (await enroll()) === 'revoked');
  });
});

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { call } from '../../support/client.ts';
import { basic, certificatesOf, changeSubjectName, enrollBy, estRequest } from '../../support/est.ts';
import { sharedTest } from '../../support/running.ts';
import type { RunningTest } from '../../support/running.ts';

describe('EST', () => {
  let running: RunningTest;
  before(async () => {
    running = await sharedTest();
  });

  async function token(name: string, profile: string, sans: readonly object[] = []): Promise<string> {
    const { body } = await running.ask('POST', '/v1/tokens', { name, profile, sans });
    return body.token;
  }

  it('gives its CA certificates to everybody, as base64 that says so in no field (RFC 8951)', async () => {
    for (const path of ['cacerts', 'device/cacerts']) {
      const answer = await call(running.remote(), 'GET', `/.well-known/est/${path}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-type'], 'application/pkcs7-mime');
      assert.equal(answer.headers['content-transfer-encoding'], undefined);
      const certificates = certificatesOf(answer).map((pem) => new X509Certificate(pem));
      const root = new X509Certificate(running.ca);
      assert.ok(certificates.some(({ fingerprint256 }) => fingerprint256 === root.fingerprint256));
      assert.equal(certificates.length, 2);
    }
  });

  it('says which key a request should have', async () => {
    const answer = await call(running.remote(), 'GET', '/.well-known/est/csrattrs');
    assert.equal(answer.headers['content-type'], 'application/csrattrs');
    assert.equal(
      Buffer.from(answer.text, 'base64').toString('hex'),
      // SEQUENCE { SEQUENCE { ecPublicKey, SET { prime256v1 } }, ecdsa-with-SHA256 }
      '3021301506072a8648ce3d0201310a06082a8648ce3d03010706082a8648ce3d040302',
    );
  });

  it('enrolls by a token, once, with the names of the token', async () => {
    const given = await token('est-web', 'server', [{ type: 'dns', value: 'web.est.test' }]);
    const { body, key } = await estRequest(
      [
        { type: 'C', value: 'CH' },
        { type: 'CN', value: 'Web.Est.test' },
      ],
      [{ type: 'dns', value: 'web.est.test' }],
    );
    const answer = await enrollBy(running.remote(), 'simpleenroll', body, basic(given));
    assert.equal(answer.headers['content-type'], 'application/pkcs7-mime; smime-type=certs-only');
    const [pem = '', ...more] = certificatesOf(answer);
    assert.equal(more.length, 0);
    const certificate = new X509Certificate(pem);
    assert.equal(certificate.subject, 'CN=est-web');
    assert.equal(certificate.subjectAltName, 'DNS:est-web, DNS:web.est.test');
    assert.ok(certificate.checkPrivateKey(key.privateKey));
    const again = await enrollBy(running.remote(), 'simpleenroll', body, basic(given));
    assert.equal(again.status, 401);
    assert.equal(again.text, 'token_used: a token is redeemed once\n');
  });

  it('reads base64 with white space anywhere, and any user name', async () => {
    const { body } = await estRequest([{ type: 'CN', value: 'est-space' }]);
    const spaced = ` ${body.replaceAll(/(.{50})/gu, '$1\r\n')}\t\n`;
    const headers = { ...basic(await token('est-space', 'device'), ''), 'content-transfer-encoding': 'binary' };
    assert.equal((await enrollBy(running.remote(), 'simpleenroll', spaced, headers)).status, 200);
  });

  it('has a label for each profile, which chooses nothing', async () => {
    const given = await token('est-label', 'device');
    const { body } = await estRequest([{ type: 'CN', value: 'est-label' }]);
    for (const label of ['admin', 'server', 'client']) {
      const answer = await enrollBy(running.remote(), `${label}/simpleenroll`, body, basic(given));
      assert.equal(answer.status, 403);
      assert.match(answer.text, /^forbidden: these credentials are for profile device/u);
    }
    const unknown = await enrollBy(running.remote(), 'devices/simpleenroll', body, basic(given));
    assert.equal(unknown.status, 404);
    // None of the refusals has used the token up.
    const answer = await enrollBy(running.remote(), 'device/simpleenroll', body, basic(given));
    assert.equal(answer.status, 200, answer.text);
  });

  it('re-enrolls over mutual TLS, for exactly the same names', async () => {
    const sans = [{ type: 'dns' as const, value: 'same.est.test' }];
    const client = await running.issued('est-same', 'device', { sans });
    const target = running.remote(client);
    const cn = { type: 'CN', value: 'est-same' };
    const same = await estRequest([cn], sans);
    const answer = await enrollBy(target, 'device/simplereenroll', same.body);
    const renewed = new X509Certificate(certificatesOf(answer)[0] ?? '');
    assert.equal(renewed.subject, 'CN=est-same');
    assert.equal(renewed.subjectAltName, 'DNS:same.est.test');
    assert.ok(renewed.checkPrivateKey(same.key.privateKey));

    const others = [
      await estRequest([cn]),
      await estRequest([cn], [...sans, { type: 'dns', value: 'more.est.test' }]),
      await estRequest([{ type: 'CN', value: 'est-other' }], sans),
      await estRequest([cn, { type: 'O', value: 'Others' }], sans),
      await estRequest([], sans),
      await estRequest([cn], sans, [changeSubjectName]),
    ];
    for (const { body } of others) {
      const refused = await enrollBy(target, 'simplereenroll', body);
      assert.equal(refused.status, 403, refused.text);
      assert.match(refused.text, /^name_not_proven: /u);
    }
  });

  it('enrolls by a certificate of ours for its own names and profile alone', async () => {
    const target = running.remote(await running.issued('est-own', 'client'));
    const own = await estRequest([{ type: 'CN', value: 'est-own' }]);
    assert.equal((await enrollBy(target, 'client/simpleenroll', own.body)).status, 200);
    assert.equal((await enrollBy(target, 'admin/simpleenroll', own.body)).status, 403);
    const other = await estRequest([{ type: 'CN', value: 'est-other' }]);
    assert.match((await enrollBy(target, 'simpleenroll', other.body)).text, /^name_not_proven: /u);
  });

  it('never takes a certificate that does not count for none', async () => {
    const client = await running.issued('est-revoked', 'device');
    const given = await token('est-revoked-token', 'device');
    await running.ask('POST', '/v1/revocations', { serial: client.serial, reason: 'keyCompromise' });
    const { body } = await estRequest([{ type: 'CN', value: 'est-revoked' }]);
    for (const operation of ['simpleenroll', 'simplereenroll']) {
      for (const headers of [{}, basic(given)]) {
        const answer = await enrollBy(running.remote(client), operation, body, headers);
        assert.equal(answer.status, 403);
        assert.match(answer.text, /^revoked: /u);
      }
    }
    // What everybody may read is for them, too: a device whose certificate has ended looks here for the next root.
    assert.equal((await call(running.remote(client), 'GET', '/.well-known/est/cacerts')).status, 200);
  });

  it('answers what it refuses in one line of plain text, with a correlation id', async () => {
    const { body } = await estRequest([{ type: 'CN', value: 'est-line' }]);
    const answer = await enrollBy(running.remote(), 'simpleenroll', body);
    assert.equal(answer.status, 401);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.match(answer.headers['www-authenticate'] ?? '', /^Basic realm=/u);
    assert.match(String(answer.headers['countersign-correlation-id']), /^[0-9a-f-]{36}$/u);
    assert.match(answer.text, /^no_credentials: [^\n]+\n$/u);
    const again = await enrollBy(running.remote(), 'simplereenroll', body, basic(await token('est-line', 'device')));
    assert.match(again.text, /^no_credentials: re-enrollment needs the certificate/u);
  });

  describe('of bodies and credentials that are none', () => {
    let given: string;
    let good: string;
    before(async () => {
      given = await token('est-malice', 'device');
      good = (await estRequest([{ type: 'CN', value: 'est-malice' }])).body;
    });
    const bodies: readonly (readonly [string, (request: string) => string, RegExp])[] = [
      ['nothing', () => '', /^(csr_invalid|unsupported_media_type|bad_request): /u],
      ['white space', () => ' \r\n\t ', /^csr_invalid: /u],
      [
        'PEM',
        (text) => `-----BEGIN CERTIFICATE REQUEST-----\n${text}\n-----END CERTIFICATE REQUEST-----\n`,
        /^csr_invalid: /u,
      ],
      ['base64 without its end', (text) => text.slice(0, -3), /^csr_invalid: /u],
      ['base64url', (text) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('M', '_'), /^csr_invalid: /u],
      ['DER', (text) => Buffer.from(text, 'base64').toString('latin1'), /^csr_invalid: /u],
      [
        'a request with octets behind it',
        (text) => Buffer.concat([Buffer.from(text, 'base64'), Buffer.of(0)]).toString('base64'),
        /^csr_invalid: /u,
      ],
      [
        'a request cut off',
        (text) => Buffer.from(text, 'base64').subarray(0, 50).toString('base64'),
        /^csr_invalid: /u,
      ],
      [
        'a request whose signature is of another',
        (text) => {
          const octets = Buffer.from(text, 'base64');
          octets[octets.length - 1] = (octets.at(-1) ?? 0) ^ 1;
          return octets.toString('base64');
        },
        /^csr_signature: /u,
      ],
      ['too much', () => 'A'.repeat(200_000), /^too_large: /u],
    ];
    for (const [words, make, expected] of bodies) {
      it(`refuses ${words}, and leaves the token as it was`, async () => {
        const answer = await enrollBy(running.remote(), 'simpleenroll', make(good), basic(given));
        assert.match(answer.text, expected);
        assert.ok(answer.status >= 400 && answer.status < 500);
      });
    }

    it('refuses another media type', async () => {
      for (const type of ['application/json', 'application/x-pkcs10', 'text/plain']) {
        const answer = await enrollBy(running.remote(), 'simpleenroll', good, {
          ...basic(given),
          'content-type': type,
        });
        assert.equal(answer.status, 415, type);
        assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      }
    });

    it('refuses credentials in any other form', async () => {
      const fields = [
        `Bearer ${given}`,
        'Basic',
        'Basic !!!!',
        `Basic ${Buffer.from(given).toString('base64')}`,
        `Basic ${Buffer.from(`user:${given} `).toString('base64')}`,
        `Basic ${Buffer.from('user:').toString('base64')}`,
        `Basic ${Buffer.from(`user:${given}x`).toString('base64')}`,
        `Basic ${Buffer.from(`user:${'A'.repeat(9000)}`).toString('base64')}`,
      ];
      for (const authorization of fields) {
        const answer = await enrollBy(running.remote(), 'simpleenroll', good, { authorization });
        assert.equal(answer.status, 401, authorization);
        assert.match(answer.text, /^token_invalid: /u);
      }
    });

    it('has no other operations and no other methods', async () => {
      for (const [method, path] of [
        ['POST', 'fullcmc'],
        ['POST', 'serverkeygen'],
        ['GET', 'simpleenroll'],
        ['POST', 'cacerts'],
        ['GET', ''],
        ['GET', '__proto__/cacerts'],
        ['GET', 'device/device/cacerts'],
      ] as const) {
        const answer = await call(running.remote(), method, `/.well-known/est/${path}`);
        assert.equal(answer.status, 404, path);
        assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      }
    });

    it('then takes the good one', async () => {
      assert.equal((await enrollBy(running.remote(), 'simpleenroll', good, basic(given))).status, 200);
    });
  });

  it('is not on the local socket', async () => {
    assert.equal((await call(running.local, 'GET', '/.well-known/est/cacerts')).status, 404);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { before, describe, it } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { pemDecode } from '@countersign/pki';
import { createRoot } from '@countersign/testkit';
import { sharedTest } from '../support/running.ts';
import type { RunningTest } from '../support/running.ts';
import { call } from '../support/client.ts';
import { newRequest } from '../support/keys.ts';

describe('the API over TLS', () => {
  let running: RunningTest;
  before(async () => {
    running = await sharedTest();
  });

  async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
    const port = Number(running.authority.listen.authority.split(':').at(-1));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ host: '127.0.0.1', port, ca: running.ca, ...options });
    socket.once('secureConnect', resolve).once('error', reject);
    await promise;
    return socket;
  }

  it('shows a chain that ends with the root, for every name it is reached by', async () => {
    const socket = await handshake({});
    let certificate = socket.getPeerX509Certificate();
    const names = certificate?.subjectAltName ?? '';
    for (const name of ['DNS:localhost', 'IP Address:127.0.0.1', 'IP Address:0:0:0:0:0:0:0:1'])
      assert.ok(names.includes(name), names);
    while (certificate?.issuerCertificate !== undefined && !certificate.checkIssued(certificate))
      certificate = certificate.issuerCertificate;
    assert.equal(certificate?.fingerprint256, new X509Certificate(running.ca).fingerprint256);
    socket.destroy();
  });

  it('speaks TLS 1.2 with ECDHE and AEAD only', async () => {
    const good = await handshake({ maxVersion: 'TLSv1.2' });
    assert.match(good.getCipher().name, /^ECDHE-.+(?:GCM|CHACHA20)/u);
    good.destroy();
    for (const ciphers of ['ECDHE-ECDSA-AES256-SHA384', 'AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-SHA']) {
      await assert.rejects(handshake({ maxVersion: 'TLSv1.2', ciphers }), ciphers);
    }
    await assert.rejects(handshake({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });

  it('cuts off a renegotiation', async () => {
    const socket = await handshake({ maxVersion: 'TLSv1.2' });
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    socket.once('error', resolve);
    socket.renegotiate({}, resolve);
    assert.ok((await promise) instanceof Error);
    socket.destroy();
  });

  it('hears of a revocation on a connection that is kept', async () => {
    const admin = await running.issued('kept-admin', 'admin');
    const socket = await handshake({ key: admin.key, cert: admin.cert });
    const ask = async (): Promise<string> => {
      socket.write('GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n');
      let text = '';
      while (!text.includes('}')) text += String((await once(socket, 'data'))[0]);
      return text;
    };
    for (let asked = 0; asked < 2; asked++) assert.match(await ask(), /^HTTP\/1\.1 200 /u);
    const { serialNumber: serial } = new X509Certificate(admin.cert);
    assert.equal((await call(running.local, 'POST', '/v1/revocations', { serial })).status, 200);
    const refused = await ask();
    assert.match(refused, /^HTTP\/1\.1 403 /u);
    assert.match(refused, /"code":"revoked"/u);
    socket.destroy();
  });

  it("refuses another CA's certificate, one that has ended, and one whose time has not come, and takes none of them for no certificate", async () => {
    const foreign = await createRoot('Other', { now: Date.now() });
    const admin = await foreign.issue('of-admin');
    const codes: string[] = [];
    const expired = await running.issued('late', 'admin', { notAfter: new Date(Date.now() - 1000).toISOString() });
    const early = await running.issued('early', 'admin', { notBefore: new Date(Date.now() + 3_600_000).toISOString() });
    for (const identity of [{ key: admin.keyPem, cert: admin.chainPem }, expired, early]) {
      codes.push((await call(running.remote(identity), 'GET', '/v1/health')).body.code);
    }
    assert.deepEqual(codes, ['untrusted_issuer', 'expired', 'not_yet_valid']);
  });

  it("renews a server's certificate for whoever shows it, until it is revoked", async () => {
    const name = 'web.example';
    const server = await running.issued(name, 'server', { sans: [{ type: 'dns', value: name }] });
    const renewed = await call(running.remote(server), 'POST', '/v1/renew', { csr: (await newRequest()).csr });
    assert.equal(renewed.status, 200, renewed.text);
    const [leaf] = pemDecode(renewed.body.certificate);
    assert.match(new X509Certificate(leaf?.der ?? '').subjectAltName ?? '', /DNS:web\.example/u);
    await running.ask('POST', '/v1/revocations', { name });
    const after = await call(running.remote(server), 'POST', '/v1/renew', { csr: (await newRequest()).csr });
    assert.deepEqual([after.status, after.body.code], [403, 'revoked']);
  });

  it('refuses a resumed session whose certificate was revoked', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { key, cert } = await running.issued(`resumer-${version}`, 'admin');
      const first = await handshake({ key, cert, maxVersion: version, minVersion: version });
      // TLS 1.2 has its ticket with the handshake, 1.3 sends it after.
      const session = version === 'TLSv1.2' ? first.getSession() : (await once(first, 'session'))[0];
      first.destroy();
      await running.ask('POST', '/v1/revocations', { name: `resumer-${version}` });
      const second = await handshake({ key, cert, session, maxVersion: version, minVersion: version });
      assert.ok(second.isSessionReused(), version);
      second.write('GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      let text = '';
      for await (const chunk of second.setEncoding('utf8')) text += String(chunk);
      assert.match(text, /^HTTP\/1\.1 403 /u);
      assert.match(text, /"code":"revoked"/u);
    }
  });
});

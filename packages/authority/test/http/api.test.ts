import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { parseCertificate, pemDecode } from '@countersign/pki';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAuthority } from '../../src/index.ts';
import type { RunningAuthority } from '../../src/index.ts';
import { call, feedLines, local, open, remote } from '../support/client.ts';
import type { ClientIdentity } from '../support/client.ts';
import { authorityFolder, passphrase } from '../support/folder.ts';
import { newRequest } from '../support/keys.ts';

describe('the API', () => {
  let folder: Awaited<ReturnType<typeof authorityFolder>>;
  let authority: RunningAuthority;
  let ca: string;

  before(async () => {
    folder = await authorityFolder();
    ca = readFileSync(join(folder.data, 'ca/root.crt'), 'utf8');
    authority = await startAuthority({
      dataDir: folder.data,
      passphrase,
      listen: '127.0.0.1:0',
      http: '127.0.0.1:0',
      logLevel: 'silent',
    });
  });
  after(async () => {
    await authority.close();
    folder[Symbol.dispose]();
  });

  async function issued(
    name: string,
    profile: string,
    extra: object = {},
  ): Promise<ClientIdentity & { serial: string }> {
    const { csr, keyPem } = await newRequest();
    const answer = await call(local(authority), 'POST', '/v1/certificates', { name, profile, csr, ...extra });
    assert.equal(answer.status, 200, answer.text);
    return { key: keyPem, cert: answer.body.certificate, serial: answer.body.serial };
  }

  it('issues over the local socket what was asked for', async () => {
    const { cert } = await issued('web.example', 'server', { sans: [{ type: 'ip', value: '10.0.0.1' }] });
    const [leaf, issuing, ...more] = pemDecode(cert);
    assert.ok(leaf && issuing && more.length === 0);
    const certificate = parseCertificate(leaf.der);
    assert.deepEqual(certificate.subjectAltName, [
      { type: 'dns', value: 'web.example' },
      { type: 'ip', value: Uint8Array.of(10, 0, 0, 1) },
    ]);
    assert.equal(certificate.profile, 'server');
    const [point] = certificate.crlDistributionPoints ?? [];
    assert.equal(
      JSON.stringify(point?.name),
      `{"fullName":[{"type":"uri","value":"http://${authority.listen.http}/crl/issuing-1/0.crl"}]}`,
    );
  });

  it('takes an administrator over mutual TLS, and nobody without a certificate', async () => {
    const admin = await issued('root-admin', 'admin');
    const as = remote(authority, ca, admin);
    assert.equal((await call(as, 'GET', '/v1/status')).status, 200);
    const none = await call(remote(authority, ca), 'GET', '/v1/status');
    assert.equal(none.status, 401);
    assert.equal(none.body.code, 'no_credentials');
    assert.equal(none.headers['countersign-correlation-id'], none.body.correlationId);
    const client = await call(remote(authority, ca, await issued('plain', 'client')), 'GET', '/v1/status');
    assert.equal(client.body.code, 'forbidden');
  });

  it('refuses a revoked administrator on the connection that is open', async () => {
    const admin = await issued('leaver', 'admin');
    const as = remote(authority, ca, admin);
    assert.equal((await call(as, 'GET', '/v1/status')).status, 200);
    await call(local(authority), 'POST', '/v1/revocations', { name: 'leaver', reason: 'keyCompromise' });
    const refused = await call(as, 'GET', '/v1/health');
    assert.equal(refused.status, 403);
    assert.equal(refused.body.code, 'revoked');
  });

  it('tells a gateway of a revocation, and revoke waits for its acknowledgement', async () => {
    const gateway = await issued('edge', 'gateway', { sans: [{ type: 'dns', value: 'edge.example' }] });
    const victim = await issued('victim', 'client');
    const as = remote(authority, ca, gateway);
    const feed = feedLines(await open(as, 'GET', '/v1/feed?gateway=g1'));
    const snapshot = (await feed.next()).value;
    assert.equal(snapshot?.type, 'snapshot');
    assert.equal((await feed.next()).value?.type, 'heartbeat');
    const revoking = call(local(authority), 'POST', '/v1/revocations', { name: 'victim', reason: 'superseded' });
    const event = (await feed.next()).value;
    assert.equal(event?.type, 'revoked');
    assert.equal(event['serial'], victim.serial);
    const ack = await call(as, 'POST', '/v1/feed/acks', { gateway: 'g1', cursor: event['cursor'], workers: 2 });
    assert.equal(ack.status, 200, ack.text);
    const { convergence } = (await revoking).body;
    assert.deepEqual([convergence.gateways, convergence.converged], [1, 1]);
    const crl = await fetch(`http://${authority.listen.http}/crl/issuing-1/0.crl`);
    assert.ok(Buffer.from(await crl.arrayBuffer()).includes(Buffer.from(victim.serial, 'hex')));
    await feed.return(undefined);
  });

  it('redeems a token once', async () => {
    const wish = { name: 'node-7', profile: 'device', sans: [{ type: 'dns', value: 'node-7.example' }] };
    const { token } = (await call(local(authority), 'POST', '/v1/tokens', wish)).body;
    const { csr } = await newRequest();
    const bearer = { authorization: `Bearer ${token}` };
    const first = await call(remote(authority, ca), 'POST', '/v1/enroll', { csr }, bearer);
    assert.equal(first.status, 200, first.text);
    assert.equal(first.body.profile, 'device');
    const second = await call(remote(authority, ca), 'POST', '/v1/enroll', { csr }, bearer);
    assert.equal(second.body.code, 'token_used');
    const forged = await call(remote(authority, ca), 'POST', '/v1/enroll', { csr }, { authorization: 'Bearer a.b.c' });
    assert.equal(forged.body.code, 'token_invalid');
  });

  it('renews over mutual TLS with the same names', async () => {
    const before = await issued('renewer', 'peer', { sans: [{ type: 'dns', value: 'renewer.example' }] });
    const { csr } = await newRequest();
    const answer = await call(remote(authority, ca, before), 'POST', '/v1/renew', { csr });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.name, 'renewer');
    assert.notEqual(answer.body.serial, before.serial);
  });
});

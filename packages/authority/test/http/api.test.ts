import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { parseCertificate, pemDecode } from '@countersign/pki';
import { partitionOf } from '../../src/domain/crl/scopes.ts';
import { call, feedLines, open } from '../support/client.ts';
import { newRequest } from '../support/keys.ts';
import { sharedTest } from '../support/running.ts';
import type { Issued, RunningTest } from '../support/running.ts';

describe('the API', () => {
  let running: RunningTest;
  before(async () => {
    running = await sharedTest();
  });
  const issued = (name: string, profile: string, extra?: object): Promise<Issued> =>
    running.issued(name, profile, extra);

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
    const partition = partitionOf(certificate.serialNumber, 4);
    assert.equal(
      JSON.stringify(point?.name),
      `{"fullName":[{"type":"uri","value":"http://${running.authority.listen.http}/crl/issuing-1/${partition}.crl"}]}`,
    );
  });

  it('takes an administrator over mutual TLS, and nobody without a certificate', async () => {
    const admin = await issued('root-admin', 'admin');
    const as = running.remote(admin);
    assert.equal((await call(as, 'GET', '/v1/status')).status, 200);
    const none = await call(running.remote(), 'GET', '/v1/status');
    assert.equal(none.status, 401);
    assert.equal(none.body.code, 'no_credentials');
    assert.equal(none.headers['countersign-correlation-id'], none.body.correlationId);
    const client = await call(running.remote(await issued('plain', 'client')), 'GET', '/v1/status');
    assert.equal(client.body.code, 'forbidden');
  });

  it('refuses a revoked administrator on the connection that is open', async () => {
    const admin = await issued('leaver', 'admin');
    const as = running.remote(admin);
    assert.equal((await call(as, 'GET', '/v1/status')).status, 200);
    await call(running.local, 'POST', '/v1/revocations', { name: 'leaver', reason: 'keyCompromise' });
    const refused = await call(as, 'GET', '/v1/health');
    assert.equal(refused.status, 403);
    assert.equal(refused.body.code, 'revoked');
  });

  it('tells a gateway of a revocation, and revoke waits for its acknowledgement', async () => {
    const gateway = await issued('edge', 'gateway', { sans: [{ type: 'dns', value: 'edge.example' }] });
    const victim = await issued('victim', 'client');
    const as = running.remote(gateway);
    const feed = feedLines(await open(as, 'GET', '/v1/feed?gateway=g1'));
    const snapshot = (await feed.next()).value;
    assert.equal(snapshot?.type, 'snapshot');
    assert.equal((await feed.next()).value?.type, 'heartbeat');
    const revoking = call(running.local, 'POST', '/v1/revocations', { name: 'victim', reason: 'superseded' });
    const event = (await feed.next()).value;
    assert.equal(event?.type, 'revoked');
    assert.equal(event['serial'], victim.serial);
    const ack = await call(as, 'POST', '/v1/feed/acks', { gateway: 'g1', cursor: event['cursor'], workers: 2 });
    assert.equal(ack.status, 200, ack.text);
    const { convergence } = (await revoking).body;
    assert.deepEqual([convergence.gateways, convergence.converged], [1, 1]);
    for (const name of [partitionOf(Buffer.from(victim.serial, 'hex'), 4), 'delta'].map((one) => `issuing-1/${one}`)) {
      const crl = await fetch(`http://${running.authority.listen.http}/crl/${name}.crl`);
      assert.ok(Buffer.from(await crl.arrayBuffer()).includes(Buffer.from(victim.serial, 'hex')), name);
    }
    const full = await fetch(`http://${running.authority.listen.http}/crl/issuing-1.crl`);
    assert.ok(Buffer.from(await full.arrayBuffer()).includes(Buffer.from(victim.serial, 'hex')));
    await feed.return(undefined);
  });

  it('redeems a token once', async () => {
    const wish = { name: 'node-7', profile: 'device', sans: [{ type: 'dns', value: 'node-7.example' }] };
    const { token } = (await call(running.local, 'POST', '/v1/tokens', wish)).body;
    const { csr } = await newRequest();
    const bearer = { authorization: `Bearer ${token}` };
    const first = await call(running.remote(), 'POST', '/v1/enroll', { csr }, bearer);
    assert.equal(first.status, 200, first.text);
    assert.equal(first.body.profile, 'device');
    const second = await call(running.remote(), 'POST', '/v1/enroll', { csr }, bearer);
    assert.equal(second.body.code, 'token_used');
    const forged = await call(running.remote(), 'POST', '/v1/enroll', { csr }, { authorization: 'Bearer a.b.c' });
    assert.equal(forged.body.code, 'token_invalid');
  });

  it('renews over mutual TLS with the same names', async () => {
    const before = await issued('renewer', 'peer', { sans: [{ type: 'dns', value: 'renewer.example' }] });
    const { csr } = await newRequest();
    const answer = await call(running.remote(before), 'POST', '/v1/renew', { csr });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.name, 'renewer');
    assert.notEqual(answer.body.serial, before.serial);
  });
});

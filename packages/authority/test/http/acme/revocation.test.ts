import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { parseCertificate, pemDecode } from '@countersign/pki';
import { generateKeyPair } from '@countersign/trust';
import type { AccountKey, AcmeResponse, AcmeTestClient, ExternalKey } from '@countersign/testkit';
import { accountKey } from '@countersign/testkit';
import { acmeCsr, dns, enrolled, problemType, sharedAcme } from '../../support/acme.ts';
import type { AcmeTest } from '../../support/acme.ts';

describe('a certificate of ACME', () => {
  let acme: AcmeTest;
  let client: AcmeTestClient;
  let external: ExternalKey;
  before(async () => {
    acme = await sharedAcme();
    external = await acme.externalKey({ preauthorized: ['dns:.rev.test'] });
    client = await acme.registered(external);
  });
  const derOf = (chain: string): Uint8Array => pemDecode(chain)[0]?.der ?? new Uint8Array();
  const base64url = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');
  const revoke = (one: AcmeTestClient, chain: string, more: object = {}, key?: AccountKey): Promise<AcmeResponse> =>
    one.post(one.directory.revokeCert, { certificate: base64url(derOf(chain)), ...more }, {}, key);
  const statusOf = async (name: string): Promise<string[]> => {
    const { certificates } = (await acme.ask('GET', `/v1/certificates?name=${name}`)).body;
    return certificates.map(({ status, reason }: { status: string; reason?: string }) => `${status} ${reason ?? ''}`);
  };
  const certId = (chain: string): string => {
    const { authorityKeyId, serialNumber } = parseCertificate(derOf(chain));
    return `${base64url(authorityKeyId?.keyId ?? new Uint8Array())}.${base64url(serialNumber)}`;
  };
  const window = async (id: string): Promise<AcmeResponse> =>
    client.send('GET', `${client.directory.renewalInfo}/${id}`);

  it('is revoked by its account, with a reason that holders may give', async () => {
    const { chain } = await enrolled(client, [dns('a.rev.test')]);
    for (const reason of [2, 6, 8, 9, 10, 11, -1, '1', null]) {
      assert.equal(problemType(await revoke(client, chain, { reason })), 'badRevocationReason', String(reason));
    }
    const answer = await revoke(client, chain, { reason: 4 });
    assert.deepEqual([answer.status, answer.text], [200, '']);
    assert.deepEqual(await statusOf('a.rev.test'), ['revoked superseded']);
    assert.equal(problemType(await revoke(client, chain)), 'alreadyRevoked');
  });

  it('is revoked by whoever has its key', async () => {
    const key = await generateKeyPair('p256');
    const { chain } = await enrolled(client, [dns('key.rev.test')], { key });
    using nobody = await acme.client();
    assert.equal(problemType(await revoke(nobody, chain)), 'unauthorized');
    const jwk = key.privateKey.export({ format: 'jwk' });
    const { kty, crv, x, y } = jwk;
    const holder: AccountKey = { ...accountKey(), privateKey: key.privateKey, jwk: { kty, crv, x, y } };
    assert.equal((await revoke(nobody, chain, { reason: 1 }, holder)).status, 200);
    assert.deepEqual(await statusOf('key.rev.test'), ['revoked keyCompromise']);
  });

  it('is revoked by another account that has proven all its names, and by none that has not', async () => {
    const { chain } = await enrolled(client, [dns('x.rev.test'), dns('y.rev.test')]);
    using other = await acme.registered(external);
    assert.equal(problemType(await revoke(other, chain)), 'unauthorized');
    await other.order([dns('x.rev.test')]);
    assert.equal(problemType(await revoke(other, chain)), 'unauthorized');
    const last = await other.order([dns('y.rev.test')]);
    await other.post(last.body.authorizations[0], { status: 'deactivated' });
    assert.equal(problemType(await revoke(other, chain)), 'unauthorized');
    await other.order([dns('y.rev.test')]);
    assert.equal((await revoke(other, chain)).status, 200);
  });

  it('is one of this authority', async () => {
    const { chain } = await enrolled(client, [dns('b.rev.test')]);
    const octets = derOf(chain);
    const bent = Uint8Array.from(octets);
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    for (const certificate of [base64url(bent), base64url(octets.subarray(1)), '', 'AAAA', 7, undefined, '====']) {
      const answer = await client.post(client.directory.revokeCert, { certificate });
      assert.equal(problemType(answer), 'malformed');
    }
    const issued = await acme.issued('elsewhere', 'client');
    assert.equal(problemType(await revoke(client, issued.cert)), 'unauthorized');
  });

  it('is best renewed in a window between two thirds and five sixths of its life', async () => {
    const { chain } = await enrolled(client, [dns('ari.rev.test')]);
    const answer = await window(certId(chain));
    const { start, end } = answer.body.suggestedWindow;
    const { notBefore, notAfter } = parseCertificate(derOf(chain));
    const share = (time: string): number => (Date.parse(time) - notBefore) / (notAfter - notBefore);
    assert.ok(Math.abs(share(start) - 2 / 3) < 1e-3 && Math.abs(share(end) - 5 / 6) < 1e-3);
    assert.equal(answer.headers['retry-after'], '21600');
  });

  it('is to be renewed now when it was revoked', async () => {
    const { chain } = await enrolled(client, [dns('now.rev.test')]);
    await revoke(client, chain, { reason: 1 });
    const { start, end } = (await window(certId(chain))).body.suggestedWindow;
    assert.ok(Date.parse(start) < Date.parse(end) && Date.parse(end) <= Date.now());
  });

  it('is asked about by an identifier in its one spelling', async () => {
    const { chain } = await enrolled(client, [dns('id.rev.test')]);
    const [keyId = '', serial = ''] = certId(chain).split('.');
    const padded = base64url(Buffer.concat([Buffer.alloc(1), Buffer.from(serial, 'base64url')]));
    const ids = [
      'x',
      '.',
      `${keyId}.`,
      `.${serial}`,
      `${keyId}.${serial}.x`,
      `${keyId}=.${serial}`,
      `${keyId}.${padded}`,
      `${serial}.${keyId}`,
      'A'.repeat(128),
    ];
    for (const id of ids) {
      const answer = await window(id);
      assert.deepEqual([answer.status, problemType(answer)], [404, 'malformed'], id);
    }
  });

  it('is replaced once, by its own account, with a name in common', async () => {
    const { chain } = await enrolled(client, [dns('r.rev.test'), dns('s.rev.test')]);
    const replaces = certId(chain);
    using other = await acme.registered(external);
    assert.equal(problemType(await other.order([dns('r.rev.test')], { replaces })), 'unauthorized');
    assert.equal(problemType(await client.order([dns('t.rev.test')], { replaces })), 'malformed');
    for (const wrong of ['x', 7, '', `${replaces}=`]) {
      assert.equal(problemType(await client.order([dns('r.rev.test')], { replaces: wrong })), 'malformed');
    }
    const order = await client.order([dns('r.rev.test')], { replaces });
    assert.equal(order.body.replaces, replaces);
    const again = await client.order([dns('r.rev.test')], { replaces });
    assert.deepEqual([again.status, problemType(again)], [409, 'alreadyReplaced']);
    // An order that came to nothing has replaced nothing.
    await client.post(order.body.authorizations[0], { status: 'deactivated' });
    const next = await client.order([dns('s.rev.test')], { replaces });
    const final = await client.post(next.body.finalize, { csr: await acmeCsr([dns('s.rev.test')]) });
    assert.equal(final.body.status, 'valid');
    assert.equal(problemType(await client.order([dns('r.rev.test')], { replaces })), 'alreadyReplaced');
  });
});

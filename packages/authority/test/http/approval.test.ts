import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { requestDetailSchema, requestListSchema, waitingSchema } from '@countersign/protocol';
import { startAuthority } from '../../src/index.ts';
import { call } from '../support/client.ts';
import type { Answer } from '../support/client.ts';
import { authorityFolder, passphrase } from '../support/folder.ts';
import { csrOf, newRequest } from '../support/keys.ts';
import { runningTest } from '../support/running.ts';
import type { RunningTest } from '../support/running.ts';

const profiles = { device: { approval: 'required' }, client: { approval: 'always' }, server: { approval: 'required' } };

describe('profiles that ask for approval', () => {
  let running: RunningTest;
  before(async () => {
    running = await runningTest({ profiles });
  });
  after(() => running[Symbol.asyncDispose]());

  async function token(name: string): Promise<Record<string, string>> {
    const { body } = await running.ask('POST', '/v1/tokens', { name, profile: 'device' });
    return { authorization: `Bearer ${body.token}` };
  }

  function enroll(bearer: Record<string, string>, csr: string): Promise<Answer> {
    return call(running.remote(), 'POST', '/v1/enroll', { csr }, bearer);
  }

  it('answer 202 with the place and the time to ask again, and the certificate once it is approved', async () => {
    const { csr, key } = await newRequest();
    const bearer = await token('http-1');
    const first = await enroll(bearer, csr);
    assert.equal(first.status, 202);
    const { request, poll } = waitingSchema.parse(first.body);
    assert.equal(first.headers['retry-after'], '1');
    assert.equal(first.headers.location, poll);
    assert.equal((await call(running.remote(), 'GET', poll, undefined, bearer)).status, 202);

    const listed = requestListSchema.parse((await running.ask('GET', '/v1/requests?status=pending')).body);
    assert.deepEqual(
      listed.requests.map(({ id, name, door }) => [id, name, door]),
      [[request, 'http-1', 'token']],
    );
    const detail = requestDetailSchema.parse((await running.ask('GET', `/v1/requests/${request}`)).body);
    assert.deepEqual([detail.csr, detail.proven], [csr, ['cn:http-1']]);

    // An administrator elsewhere, by certificate.
    const admin = await running.issued('officer', 'admin');
    const approved = await call(running.remote(admin), 'POST', '/v1/requests/approvals', { id: request });
    assert.equal(approved.status, 200);
    const { serial } = approved.body;
    for (const answer of [
      await call(running.remote(), 'GET', poll, undefined, bearer),
      await enroll(bearer, csr),
      await enroll(bearer, await csrOf(key)),
    ]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.body.serial, serial);
    }
    const after = requestDetailSchema.parse((await running.ask('GET', `/v1/requests/${request}`)).body);
    assert.deepEqual([after.status, after.serial], ['approved', serial]);
    assert.deepEqual(after.decidedBy, { kind: 'admin', name: 'officer', serial: admin.serial });
  });

  it('tell a denial with its reason, and what was decided to nobody else', async () => {
    const { csr } = await newRequest();
    const bearer = await token('http-2');
    const { request, poll } = waitingSchema.parse((await enroll(bearer, csr)).body);
    const stranger = await running.issued('stranger', 'device');
    for (const [target, headers, code] of [
      [running.remote(), {}, 'no_credentials'],
      [running.local, {}, 'no_credentials'],
      [running.remote(), await token('http-3'), 'unknown_request'],
      [running.remote(stranger), {}, 'unknown_request'],
      [running.remote(), { authorization: 'Bearer a.b.c' }, 'token_invalid'],
    ] as const) {
      assert.equal((await call(target, 'GET', poll, undefined, headers)).body.code, code);
    }
    const by = { id: request, reason: 'not in the inventory' };
    assert.equal((await running.ask('POST', '/v1/requests/denials', { id: request })).body.code, 'bad_request');
    assert.equal((await running.ask('POST', '/v1/requests/denials', by)).status, 200);
    assert.equal((await running.ask('POST', '/v1/requests/denials', by)).body.code, 'request_decided');
    assert.equal((await running.ask('POST', '/v1/requests/approvals', { id: 'none' })).body.code, 'unknown_request');
    const told = await call(running.remote(), 'GET', poll, undefined, bearer);
    assert.deepEqual([told.status, told.body.code], [403, 'request_denied']);
    assert.match(told.body.detail, /not in the inventory/u);
  });

  it('let administrators issue at once, and nobody else: gateways and renewals wait', async () => {
    const holder = await running.issued('http-4', 'client');
    const { csr } = await newRequest();
    const renewal = await call(running.remote(holder), 'POST', '/v1/renew', { csr });
    assert.equal(renewal.status, 202);
    const { request, poll } = waitingSchema.parse(renewal.body);
    assert.equal((await call(running.remote(holder), 'GET', poll)).status, 202);
    assert.equal((await call(running.remote(holder), 'POST', '/v1/requests/approvals', { id: request })).status, 403);
    assert.equal((await running.ask('POST', '/v1/requests/approvals', { id: request })).status, 200);
    assert.equal((await call(running.remote(holder), 'GET', poll)).status, 200);

    const gateway = await running.issued('gw', 'gateway', { sans: [{ type: 'dns', value: 'web.test' }] });
    const wish = { name: 'web.test', profile: 'server', csr };
    const asked = await call(running.remote(gateway), 'POST', '/v1/certificates', wish);
    assert.equal(asked.status, 202);
    const { poll: place, request: id } = waitingSchema.parse(asked.body);
    assert.equal((await call(running.remote(gateway), 'POST', '/v1/requests/approvals', { id })).status, 403);
    assert.equal((await running.ask('POST', '/v1/requests/approvals', { id })).status, 200);
    assert.equal((await call(running.remote(gateway), 'GET', place)).status, 200);
    // It renews its own certificate while it waits, and is the same gateway.
    const { csr: next, keyPem } = await newRequest();
    const own = await call(running.remote(gateway), 'POST', '/v1/renew', { csr: next });
    const renewed = running.remote({ key: keyPem, cert: own.body.certificate });
    assert.equal(
      (await call(renewed, 'POST', '/v1/certificates', wish)).body.serial,
      (await call(renewed, 'GET', place)).body.serial,
    );
    const another = await running.issued('gw-2', 'gateway', { sans: [{ type: 'dns', value: 'web.test' }] });
    assert.equal((await call(running.remote(another), 'GET', place)).body.code, 'unknown_request');
  });

  it('list page by page, and count what waits', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await enroll(await token(name), (await newRequest()).csr);
    const names: string[] = [];
    let query = '/v1/requests?status=pending&limit=2';
    for (;;) {
      const { requests, next } = requestListSchema.parse((await running.ask('GET', query)).body);
      names.push(...requests.map(({ name }) => name));
      if (next === undefined) break;
      query = `/v1/requests?status=pending&limit=2&cursor=${next}`;
    }
    assert.deepEqual(names, ['page-1', 'page-2', 'page-3']);
    assert.match(await running.authority.metrics(), /countersign_authority_requests_waiting 3\n/u);
    assert.equal((await running.ask('GET', '/v1/status')).body.requestsWaiting, 3);
  });

  it('are read strictly', async () => {
    const folder = await authorityFolder();
    try {
      for (const [wrong, words] of [
        [{ devices: {} }, /"devices" is no profile/u],
        [{ device: { approval: 'yes' } }, /"yes" is none of none, required, always/u],
        [{ device: { renewalGraceSeconds: -1 } }, /a whole number from 0 to 31622400/u],
        [{ device: { approvalSeconds: 29 * 86_400 } }, /a whole number from 1 to 2419200/u],
      ] as const) {
        const starting = startAuthority({
          dataDir: folder.data,
          passphrase,
          profiles: wrong,
          listen: '127.0.0.1:0',
          http: '127.0.0.1:0',
          logLevel: 'silent',
        });
        await assert.rejects(starting, words);
      }
    } finally {
      folder[Symbol.dispose]();
    }
  });
});

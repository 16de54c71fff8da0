import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { call } from '../support/client.ts';
import type { Answer } from '../support/client.ts';
import { certificatesOf, enrollBy, estRequest } from '../support/est.ts';
import { newRequest } from '../support/keys.ts';
import { runningTest } from '../support/running.ts';
import type { Issued, RunningTest } from '../support/running.ts';

const profiles = {
  device: { renewalGraceSeconds: 86_400 },
  server: { renewalGraceSeconds: 86_400 },
  peer: { renewalGraceSeconds: 86_400, approval: 'always' },
};

/** So late that certificates can have ended since their CA was made; the API's own is made before. */
let ahead = 0;
const now = (): number => Date.now() + ahead;

describe('a certificate that has expired', () => {
  let running: RunningTest;
  before(async () => {
    running = await runningTest({ profiles, clock: now });
    ahead = 30 * 3_600_000;
  });
  after(() => running[Symbol.asyncDispose]());

  /** Issues one that ended so many hours ago. */
  function ended(name: string, profile: string, hoursAgo: number, extra: object = {}): Promise<Issued> {
    const notAfter = new Date(now() - hoursAgo * 3_600_000).toISOString();
    return running.issued(name, profile, { notAfter, ...extra });
  }

  async function renew(identity: Issued): Promise<Answer> {
    return call(running.remote(identity), 'POST', '/v1/renew', { csr: (await newRequest()).csr });
  }

  async function codeOf(identity: Issued): Promise<string> {
    const { status, body } = await renew(identity);
    return status === 200 ? 'ok' : body.code;
  }

  it('renews itself within the grace of its profile, with the same names', async () => {
    for (const [name, profile] of [
      ['late', 'device'],
      ['late.test', 'server'],
    ] as const) {
      const late = await ended(name, profile, 23);
      const asked = now();
      const answer = await renew(late);
      assert.equal(answer.status, 200, answer.text);
      const renewed = new X509Certificate(answer.body.certificate);
      assert.equal(renewed.subject, `CN=${name}`);
      assert.equal(renewed.subjectAltName, new X509Certificate(late.cert).subjectAltName);
      // What was issued as expired has a lifetime of a second.
      assert.ok(renewed.validToDate.getTime() > asked);
    }
  });

  it('does so by EST, and enrolls nothing there', async () => {
    const late = await ended('late-est', 'device', 1);
    const { body } = await estRequest([{ type: 'CN', value: 'late-est' }]);
    const enrolled = await enrollBy(running.remote(late), 'simpleenroll', body);
    assert.equal(enrolled.status, 403);
    assert.match(enrolled.text, /^expired: /u);
    const [pem = ''] = certificatesOf(await enrollBy(running.remote(late), 'simplereenroll', body));
    assert.equal(new X509Certificate(pem).subject, 'CN=late-est');
  });

  it('is refused beyond it, and where its profile has none', async () => {
    assert.equal(await codeOf(await ended('gone', 'device', 25)), 'expired');
    assert.equal(await codeOf(await ended('strict', 'client', 1)), 'expired');
  });

  it('is told what came of a renewal that was asked for within the grace, however late that is decided, and asks for no other', async () => {
    const late = await ended('patient', 'peer', 23);
    const denied = await ended('patient-2', 'peer', 23);
    const [wish, other] = [await newRequest(), await newRequest()];
    const ask = (identity: Issued, { csr }: { csr: string }): Promise<Answer> =>
      call(running.remote(identity), 'POST', '/v1/renew', { csr });
    const first = await ask(late, wish);
    assert.equal(first.status, 202, first.text);
    const { request, poll } = first.body;
    const { request: hopeless } = (await ask(denied, other)).body;
    const state = async (identity: Issued, place = poll): Promise<string> => {
      const { status, body } = await call(running.remote(identity), 'GET', place);
      return status < 300 ? String(status) : body.code;
    };
    assert.equal(await state(late), '202');

    ahead += 48 * 3_600_000;
    assert.equal(await state(late), '202', 'it still waits');
    assert.equal((await ask(late, wish)).body.request, request, 'the same request asked again is the same one');
    assert.equal((await ask(late, other)).body.code, 'renewal_refused', 'another is not taken');
    assert.equal(await state(denied), 'renewal_refused', 'another’s is told to nobody');
    for (const path of ['/v1/health', '/v1/feed', '/v1/snapshot'])
      assert.equal((await call(running.remote(late), 'GET', path)).body.code, 'expired', path);

    assert.equal((await running.ask('POST', '/v1/requests/approvals', { id: request })).status, 200);
    const reason = { id: hopeless, reason: 'scrapped' };
    assert.equal((await running.ask('POST', '/v1/requests/denials', reason)).status, 200);
    assert.equal(await state(late), '200');
    const answer = await ask(late, wish);
    assert.equal(answer.status, 200);
    assert.equal(new X509Certificate(answer.body.certificate).subject, 'CN=patient');
    assert.equal(await state(denied, `/v1/enroll/${hopeless}`), 'request_denied');
    assert.equal((await running.ask('POST', '/v1/revocations', { serial: late.serial })).status, 200);
    assert.equal(await state(late), 'revoked');
  });

  it('is never renewed when it was revoked, or its key was', async () => {
    const { csr, keyPem: key } = await newRequest();
    const before = await ended('taken', 'device', 1, { csr });
    const twin = await running.issued('taken-twin', 'device', { csr });
    assert.equal((await running.ask('POST', '/v1/revocations', { serial: twin.serial })).status, 200);
    assert.equal(await codeOf({ ...before, key }), 'renewal_refused');

    const own = await ended('taken-itself', 'device', 1);
    assert.equal((await running.ask('POST', '/v1/revocations', { serial: own.serial })).status, 200);
    assert.equal(await codeOf(own), 'revoked');
  });
});

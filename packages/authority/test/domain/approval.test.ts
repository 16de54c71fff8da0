import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { parseCertificate } from '@countersign/pki';
import { approveRequest, denyRequest, keepRequests } from '../../src/domain/approval/decide.ts';
import { afterlifeMs, pendingLimit, requestsPerOwner } from '../../src/domain/approval/hold.ts';
import type { ProfileRules } from '../../src/domain/approval/rules.ts';
import { requestDetail } from '../../src/domain/approval/views.ts';
import { findAuditBreak } from '../../src/domain/audit.ts';
import { issueForGateway } from '../../src/domain/doors.ts';
import type { Outcome } from '../../src/domain/outcome.ts';
import type { StoredCertificate } from '../../src/domain/ports.ts';
import { renew } from '../../src/domain/renewal.ts';
import { revoke } from '../../src/domain/revocation.ts';
import { createToken, redeemToken } from '../../src/domain/tokens.ts';
import type { TokenContext } from '../../src/domain/tokens.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { csrOf, newRequest } from '../support/keys.ts';
import { currentStore, describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;
const officer = { kind: 'admin', name: 'officer', serial: 'ab' } as const;
const day = 86_400_000;
const rules: ProfileRules = {
  device: { approval: 'required', approvalSeconds: 7 * 86_400, renewalGraceSeconds: 0 },
  client: { approval: 'always', approvalSeconds: 3600, renewalGraceSeconds: 0 },
  server: { approval: 'required', approvalSeconds: 3600, renewalGraceSeconds: 0 },
};

const codeOf = (outcome: Outcome<object>): string => (outcome.ok ? 'ok' : outcome.code);

describeOnEachStore('requests that wait for an administrator', () => {
  let domain: TestDomain;
  let context: TokenContext;
  beforeEach(async () => {
    domain = await testDomain();
    context = { ...domain.context, rules };
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  async function token(name = 'pump', ttlSeconds = 900): Promise<string> {
    const sans = [{ type: 'dns' as const, value: `${name}.example` }];
    const made = await createToken(context, { name, profile: 'device', sans, ttlSeconds }, local);
    assert.ok(made.ok);
    return made.token;
  }

  /** A request that waits: its id. */
  async function waiting(outcome: ReturnType<typeof redeemToken>): Promise<string> {
    const told = await outcome;
    assert.ok(told.ok && told.waiting !== undefined, codeOf(told));
    return told.waiting.id;
  }

  async function actions(): Promise<string[]> {
    assert.equal(await findAuditBreak(domain.store), undefined);
    return (await domain.store.auditAfter(0, 1000)).map(({ action }) => action);
  }

  async function issuedTo(name: string): Promise<StoredCertificate[]> {
    return domain.store.certificatesByName(name, domain.clock.now());
  }

  it('get their certificate when it is approved, by asking again with the same request', async () => {
    const { csr, key } = await newRequest();
    const given = await token();
    const id = await waiting(redeemToken(context, given, csr));
    assert.deepEqual(await issuedTo('pump'), []);
    const stored = await domain.store.request(id);
    assert.ok(stored);
    const detail = requestDetail(stored, domain.clock.now());
    assert.deepEqual(detail.proven.toSorted(), ['cn:pump', 'dns:pump.example']);
    assert.deepEqual([detail.door, detail.requestedBy], ['token', { kind: 'token', name: 'pump' }]);
    assert.equal(detail.csr, csr);

    // The token's own time is over long before anybody looks.
    domain.clock.advance(2 * day);
    assert.equal(await waiting(redeemToken(context, given, csr)), id);
    const approved = await approveRequest(context, id, officer);
    assert.ok(approved.ok);
    // A signature that was made anew makes it no other request.
    for (const again of [csr, await csrOf(key)]) {
      const told = await redeemToken(context, given, again);
      assert.ok(told.ok && told.issued !== undefined);
      assert.equal(told.issued.serial, approved.issued.serial);
    }
    const [certificate, ...more] = await issuedTo('pump');
    assert.ok(certificate);
    assert.equal(more.length, 0);
    assert.equal(parseCertificate(certificate.der).notAfter, domain.clock.now() + 90 * day);
    assert.deepEqual((await domain.store.request(id))?.decision, { by: officer, at: domain.clock.now() });
    assert.deepEqual((await actions()).slice(-4), [
      'request.created',
      'token.redeemed',
      'request.approved',
      'certificate.issued',
    ]);
  });

  it('are denied with a reason, and their token with them', async () => {
    const { csr } = await newRequest();
    const given = await token();
    const id = await waiting(redeemToken(context, given, csr));
    assert.ok((await denyRequest(context, { id, reason: 'nobody knows it' }, officer)).ok);
    const told = await redeemToken(context, given, csr);
    assert.deepEqual(told, {
      ok: false,
      code: 'request_denied',
      detail: 'an administrator has denied it: nobody knows it',
    });
    assert.equal(codeOf(await redeemToken(context, given, (await newRequest()).csr)), 'token_used');
    assert.equal(codeOf(await approveRequest(context, id, officer)), 'request_decided');
    assert.equal(codeOf(await denyRequest(context, { id, reason: 'again' }, officer)), 'request_decided');
    assert.equal(codeOf(await approveRequest(context, 'nothing', officer)), 'unknown_request');
    assert.deepEqual(await issuedTo('pump'), []);
    assert.equal((await actions()).at(-1), 'request.denied');
  });

  it('are one for a token, whoever asks with it', async () => {
    const given = await token();
    const { csr } = await newRequest();
    const same = await Promise.all(Array.from({ length: 50 }, () => redeemToken(context, given, csr)));
    const ids = new Set(same.map((told) => (told.ok ? told.waiting?.id : told.code)));
    assert.equal(ids.size, 1);
    const others = await Promise.all(
      Array.from({ length: 20 }, async () => redeemToken(context, given, (await newRequest()).csr)),
    );
    assert.deepEqual(new Set(others.map(codeOf)), new Set(['token_used']));
    assert.equal(await domain.store.countPendingRequests(), 1);
  });

  it('get one certificate, however many approve them on two nodes at once', async () => {
    const id = await waiting(redeemToken(context, await token(), (await newRequest()).csr));
    // A file has one process; its nodes are two contexts over one store.
    const other = domain.store.shared ? await domain.place.open() : domain.store;
    try {
      const nodes = [context, { ...context, store: other }];
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, i) => approveRequest(nodes[i % 2] ?? context, id, officer)),
      );
      const codes = outcomes.map(codeOf);
      assert.equal(codes.filter((code) => code === 'ok').length, 1);
      assert.equal(codes.filter((code) => code === 'request_decided').length, 39);
      assert.equal((await issuedTo('pump')).length, 1);
    } finally {
      if (other !== domain.store) await other.close();
    }
  });

  it('are approved or denied, never both', async () => {
    const id = await waiting(redeemToken(context, await token(), (await newRequest()).csr));
    const [approved, denied] = await Promise.all([
      approveRequest(context, id, officer),
      denyRequest(context, { id, reason: 'no' }, officer),
    ]);
    assert.deepEqual([approved, denied].map(codeOf).toSorted(), ['ok', 'request_decided']);
    assert.equal((await issuedTo('pump')).length, Number(approved.ok));
  });

  it('are looked at again when they are approved', async () => {
    const now = domain.clock.now();
    const first = await waiting(redeemToken(context, await token('revoked'), (await newRequest()).csr));
    assert.ok((await revoke(domain.store, now, { by: 'name', name: 'revoked' }, 'unspecified', local)).ok);
    assert.equal(codeOf(await approveRequest(context, first, officer)), 'token_revoked');

    const blocked = await domain.issued('blocked');
    const second = await waiting(redeemToken(context, await token('blocked'), (await newRequest()).csr));
    const { serial } = blocked;
    assert.ok((await revoke(domain.store, now, { by: 'serial', serial }, 'privilegeWithdrawn', local)).ok);
    assert.equal(codeOf(await approveRequest(context, second, officer)), 'identity_blocked');

    const { csr } = await newRequest();
    const twin = await domain.issued('twin', 'client', { csr });
    const third = await waiting(redeemToken(context, await token('key'), csr));
    assert.ok((await revoke(domain.store, now, { by: 'serial', serial: twin.serial }, 'superseded', local)).ok);
    assert.equal(codeOf(await approveRequest(context, third, officer)), 'key_revoked');

    const fourth = await waiting(redeemToken(context, await token('ca'), (await newRequest()).csr));
    const revokedCas = { ...domain.cas, issuing: domain.cas.issuing.map((ca) => ({ ...ca, revoked: true })) };
    const without = { ...context, cas: () => revokedCas };
    assert.equal(codeOf(await approveRequest(without, fourth, officer)), 'issuer_unavailable');
    // What was refused waits on, and can be approved when that is mended.
    assert.equal(codeOf(await approveRequest(context, fourth, officer)), 'ok');
    for (const name of ['revoked', 'key']) assert.deepEqual(await issuedTo(name), []);
  });

  it('wait for their time, are told as expired then, and forgotten later', async () => {
    const { csr } = await newRequest();
    const given = await token();
    const id = await waiting(redeemToken(context, given, csr));
    domain.clock.advance(7 * day + 1);
    assert.equal(codeOf(await approveRequest(context, id, officer)), 'request_expired');
    assert.equal(codeOf(await denyRequest(context, { id, reason: 'late' }, officer)), 'request_expired');
    assert.equal(codeOf(await redeemToken(context, given, csr)), 'request_expired');
    const listed = await domain.store.listRequests({ status: 'expired', limit: 10 }, domain.clock.now());
    assert.deepEqual(
      listed.map((one) => one.id),
      [id],
    );
    await keepRequests(context);
    assert.equal(await domain.store.countPendingRequests(), 0);
    assert.equal((await domain.store.request(id))?.status, 'expired');
    assert.equal((await actions()).at(-1), 'request.expired');
    domain.clock.advance(afterlifeMs + 1);
    await keepRequests(context);
    assert.equal(await domain.store.request(id), undefined);
  });

  it('are no renewals, unless the profile says so', async () => {
    const pump = await domain.issued('pump-2', 'client');
    const device = await issued(context, 'pump-3');
    const renewed = await renew(context, device, (await newRequest()).csr);
    assert.ok(renewed.ok && renewed.issued !== undefined);
    const { csr } = await newRequest();
    const id = await waiting(renew(context, pump, csr));
    assert.ok((await approveRequest(context, id, officer)).ok);
    const told = await renew(context, pump, csr);
    assert.ok(told.ok && told.issued !== undefined);
    assert.equal((await issuedTo('pump-2')).length, 2);

    const second = await waiting(renew(context, pump, (await newRequest()).csr));
    const target = { by: 'serial', serial: pump.serial } as const;
    assert.ok((await revoke(domain.store, domain.clock.now(), target, 'superseded', local)).ok);
    assert.equal(codeOf(await approveRequest(context, second, officer)), 'renewal_refused');
  });

  /** A device that was approved. */
  async function issued(at: TokenContext, name: string): Promise<StoredCertificate> {
    const id = await waiting(redeemToken(at, await token(name), (await newRequest()).csr));
    assert.ok((await approveRequest(at, id, officer)).ok);
    const [stored] = await issuedTo(name);
    assert.ok(stored);
    return stored;
  }

  it('of a gateway are for its own names alone, and stand with its certificate', async () => {
    const gateway = await domain.issued('gw', 'gateway', { sans: [{ type: 'dns', value: 'web.example' }] });
    const ask = async (name: string) =>
      issueForGateway(context, { name, profile: 'server', sans: [], csr: (await newRequest()).csr }, gateway);
    assert.equal(codeOf(await ask('other.example')), 'name_not_proven');
    const id = await waiting(ask('web.example'));
    const target = { by: 'serial', serial: gateway.serial } as const;
    assert.ok((await revoke(domain.store, domain.clock.now(), target, 'superseded', local)).ok);
    assert.equal(codeOf(await approveRequest(context, id, officer)), 'forbidden');
  });

  it('are bounded, for each caller and all in all', async () => {
    const current = await domain.issued('many');
    const shape = await domain.store.request(await waiting(renew(context, current, (await newRequest()).csr)));
    assert.ok(shape);
    await domain.store.write(async (tx) => {
      for (let i = 1; i < requestsPerOwner; i += 1) await tx.addRequest({ ...shape, id: `own-${i}`, digest: `${i}` });
    });
    assert.equal(codeOf(await renew(context, current, (await newRequest()).csr)), 'too_many_requests');
    const column = 'status, created_at, expires_at, keep_until, document';
    const numbers =
      currentStore().name === 'SQLite'
        ? `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${pendingLimit}) select i from n`
        : `select generate_series(1, ${pendingLimit}) as i`;
    domain.place.raw(
      `insert into requests (id, owner, digest, ${column}) select 'x' || i, 'x' || i, 'x', ${column} from requests, (${numbers}) as numbers where id = 'own-1'`,
    );
    const others = await domain.issued('others');
    assert.equal(codeOf(await renew(context, others, (await newRequest()).csr)), 'too_many_requests');
  });
});

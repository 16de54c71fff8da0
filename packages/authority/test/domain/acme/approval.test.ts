import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { updateAccount } from '../../../src/domain/acme/accounts.ts';
import { deactivateAuthorization } from '../../../src/domain/acme/authorizations.ts';
import type { AcmeContext } from '../../../src/domain/acme/context.ts';
import { finalizeOrder } from '../../../src/domain/acme/finalize.ts';
import type { AcmeKey } from '../../../src/domain/acme/jwk.ts';
import { orderOf } from '../../../src/domain/acme/orders.ts';
import type { AcmeAccount, AcmeOrder } from '../../../src/domain/acme/records.ts';
import { approveRequest, denyRequest, keepRequests } from '../../../src/domain/approval/decide.ts';
import { revoke } from '../../../src/domain/revocation.ts';
import { acmeCsr, dns } from '../../support/acme.ts';
import { acmeDomain, expectOk, refusalOf } from '../../support/acme-domain.ts';
import type { AcmeDomain } from '../../support/acme-domain.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const officer = { kind: 'admin', name: 'officer', serial: 'ab' } as const;

describeOnEachStore('an order of ACME whose profile asks for approval', () => {
  let domain: AcmeDomain;
  let acme: AcmeContext;
  beforeEach(async () => {
    domain = await acmeDomain();
    acme = {
      ...domain.acme,
      rules: { server: { approval: 'required', approvalSeconds: 7 * 86_400, renewalGraceSeconds: 0 } },
    };
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  async function placed(): Promise<{ account: AcmeAccount; key: AcmeKey; order: AcmeOrder }> {
    const made = await domain.account({ preauthorized: ['dns:a.test'] });
    return { ...made, order: await domain.order(made.account, [dns('a.test')]) };
  }

  async function held(): Promise<{ account: AcmeAccount; order: AcmeOrder; id: string }> {
    const { account, key, order } = await placed();
    const csr = await acmeCsr([dns('a.test')]);
    const processing = expectOk(await finalizeOrder(acme, account, key, order.id, { csr })).order;
    assert.equal(processing.status, 'processing');
    assert.ok(processing.request);
    return { account, order: processing, id: processing.request.id };
  }

  const stateOf = async (account: AcmeAccount, { id }: AcmeOrder): Promise<AcmeOrder> =>
    expectOk(await orderOf(domain.store, account, id, domain.clock.now())).order;
  const certificates = async (): Promise<number> => (await domain.store.countCertificates(domain.clock.now())).total;

  it('is processing until it is approved, and then valid with its certificate', async () => {
    const { account, order, id } = await held();
    assert.equal((await domain.store.request(id))?.door, 'acme');
    // Longer than an order that nobody finalizes has.
    domain.clock.advance(3 * 86_400_000);
    assert.equal((await stateOf(account, order)).status, 'processing');
    assert.equal(await certificates(), 0);
    const approved = await approveRequest(acme, id, officer);
    assert.ok(approved.ok);
    const valid = await stateOf(account, order);
    assert.deepEqual([valid.status, valid.certificate?.serial], ['valid', approved.issued.serial]);
  });

  it('is invalid when it is denied, and says why', async () => {
    const { account, order, id } = await held();
    assert.ok((await denyRequest(acme, { id, reason: 'not ours' }, officer)).ok);
    const invalid = await stateOf(account, order);
    assert.equal(invalid.status, 'invalid');
    assert.deepEqual(invalid.error, { type: 'unauthorized', detail: 'an administrator has denied it: not ours' });
    assert.equal(await certificates(), 0);
  });

  it('is invalid when nobody decides in time, before that is written and after', async () => {
    const { account, order, id } = await held();
    domain.clock.advance(7 * 86_400_000 + 1);
    const error = { type: 'unauthorized', detail: 'no administrator has approved it in time' };
    assert.deepEqual((await stateOf(account, order)).error, error);
    await keepRequests(acme);
    const written = await domain.store.acmeOrder(order.id);
    assert.deepEqual([written?.status, written?.error], ['invalid', error]);
    assert.equal((await domain.store.request(id))?.status, 'expired');
  });

  it('waits once, however often it is finalized on two nodes', async () => {
    const { account, key, order } = await placed();
    const other = await domain.place.open();
    const nodes = [acme, { ...acme, store: other }];
    const same = await acmeCsr([dns('a.test')]);
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        const csr = i < 5 ? same : await acmeCsr([dns('a.test')]);
        return finalizeOrder(nodes[i % 2] ?? acme, account, key, order.id, { csr });
      }),
    );
    assert.ok(outcomes.some(({ ok }) => ok));
    for (const outcome of outcomes)
      if (outcome.ok) assert.equal(outcome.order.status, 'processing');
      else assert.equal(refusalOf(outcome), 'orderNotReady');
    assert.equal(await domain.store.countPendingRequests(), 1);
    await other.close();
  });

  it('waits no more for names that its account has a certificate of, until that is revoked', async () => {
    const { account, id } = await held();
    assert.ok((await approveRequest(acme, id, officer)).ok);
    const { order, key } = await placed();
    const finalize = async (of: AcmeAccount, one: AcmeOrder): Promise<string> => {
      const csr = await acmeCsr([dns('a.test')]);
      return expectOk(await finalizeOrder(acme, of, key, one.id, { csr })).order.status;
    };
    assert.equal(await finalize(account, await domain.order(account, [dns('a.test')])), 'valid');
    // Another account has none.
    const another = await domain.store.acmeAccount(order.account);
    assert.ok(another);
    assert.equal(await finalize(another, order), 'processing');
    const target = { by: 'name', name: 'a.test' } as const;
    assert.ok((await revoke(domain.store, domain.clock.now(), target, 'superseded', { kind: 'local' })).ok);
    assert.equal(await finalize(account, await domain.order(account, [dns('a.test')])), 'processing');
  });

  it('and another order with the same key are two requests', async () => {
    const { account, key, order } = await placed();
    const csr = await acmeCsr([dns('a.test')]);
    const second = await domain.order(account, [dns('a.test')]);
    for (const { id } of [order, second]) expectOk(await finalizeOrder(acme, account, key, id, { csr }));
    assert.equal(await domain.store.countPendingRequests(), 2);
  });

  it('is not approved any more where its account or an authorization was given up', async () => {
    const first = await held();
    expectOk(await deactivateAuthorization(acme, first.account, { order: first.order.id, index: 0 }));
    const second = await held();
    expectOk(await updateAccount(acme, second.account, { status: 'deactivated' }));
    for (const { id } of [first, second]) {
      const outcome = await approveRequest(acme, id, officer);
      assert.equal(outcome.ok ? 'ok' : outcome.code, 'forbidden');
    }
    assert.equal(await certificates(), 0);
  });
});

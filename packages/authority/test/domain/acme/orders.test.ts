import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { updateAccount } from '../../../src/domain/acme/accounts.ts';
import { finalizeOrder } from '../../../src/domain/acme/finalize.ts';
import { orderLifetimeMs, orderOf } from '../../../src/domain/acme/orders.ts';
import type { AcmeOrder } from '../../../src/domain/acme/records.ts';
import { acmeCsr, dns } from '../../support/acme.ts';
import { acmeDomain, expectOk, refusalOf } from '../../support/acme-domain.ts';
import type { AcmeDomain } from '../../support/acme-domain.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const day = 86_400_000;

describeOnEachStore('an order of ACME', () => {
  let domain: AcmeDomain;
  beforeEach(async () => {
    domain = await acmeDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  const preauthorized = ['dns:a.test'];
  const certificates = async (): Promise<number> => (await domain.store.countCertificates(domain.clock.now())).total;

  it('gets one certificate, of any number of nodes that finalize it at once', async () => {
    const { account, key } = await domain.account({ preauthorized });
    const order = await domain.order(account, [dns('a.test')]);
    const other = await domain.place.open();
    const nodes = [domain.acme, domain.node(other)];
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const csr = await acmeCsr([dns('a.test')]);
        return finalizeOrder(nodes[i % 2] ?? domain.acme, account, key, order.id, { csr });
      }),
    );
    assert.equal(outcomes.filter(({ ok }) => ok).length, 1);
    assert.deepEqual(new Set(outcomes.map(refusalOf)), new Set([undefined, 'orderNotReady']));
    assert.equal(await certificates(), 1);
    await other.close();
  });

  it('is valid in the transaction that stores its certificate, or is ready still', async () => {
    const { account, key } = await domain.account({ preauthorized });
    const order = await domain.order(account, [dns('a.test')]);
    const csr = await acmeCsr([dns('a.test')]);
    // The transaction fails after the order was changed: nothing of it is there.
    const broken = {
      ...domain.acme,
      store: {
        ...domain.store,
        write: <T>(work: (tx: never) => Promise<T>) =>
          domain.store.write(async (tx) => {
            await work(tx as never);
            throw new Error('the disk is gone');
          }),
      },
    };
    await assert.rejects(finalizeOrder(broken, account, key, order.id, { csr }), /the disk is gone/u);
    assert.equal((await domain.store.acmeOrder(order.id))?.status, 'ready');
    assert.equal(await certificates(), 0);
    const done = expectOk(await finalizeOrder(domain.acme, account, key, order.id, { csr })).order;
    assert.deepEqual(await domain.store.acmeOrder(order.id), done);
    const { issuer = '', serial = '' } = done.certificate ?? {};
    assert.ok(await domain.store.certificate(issuer, serial));
  });

  it('is over when its time is', async () => {
    const { account, key } = await domain.account({ preauthorized });
    const order = await domain.order(account, [dns('a.test')]);
    domain.clock.advance(orderLifetimeMs + 1);
    const csr = await acmeCsr([dns('a.test')]);
    assert.equal(refusalOf(await finalizeOrder(domain.acme, account, key, order.id, { csr })), 'orderNotReady');
    const found = expectOk(await orderOf(domain.store, account, order.id, domain.clock.now()));
    assert.equal(found.order.status, 'invalid');
  });

  it('gets nothing for an account that was deactivated, or whose key was removed, in between', async () => {
    const csr = await acmeCsr([dns('a.test')]);
    const first = await domain.account({ preauthorized });
    const order = await domain.order(first.account, [dns('a.test')]);
    expectOk(await updateAccount(domain.acme, first.account, { status: 'deactivated' }));
    const late = await finalizeOrder(domain.acme, first.account, first.key, order.id, { csr });
    assert.equal(refusalOf(late), 'unauthorized');
    const second = await domain.account({ preauthorized });
    const other = await domain.order(second.account, [dns('a.test')]);
    await domain.store.write((tx) => tx.removeEabKey(second.account.eab ?? ''));
    const later = await finalizeOrder(domain.acme, second.account, second.key, other.id, { csr });
    assert.equal(refusalOf(later), 'unauthorized');
    assert.equal(await certificates(), 0);
  });

  it('is kept while its certificate lives, and is collected when nobody can need it', async () => {
    const { store, clock } = domain;
    const { account, key } = await domain.account({ preauthorized });
    const used = await domain.order(account, [dns('a.test')]);
    const unused = await domain.order(account, [dns('a.test')]);
    expectOk(await finalizeOrder(domain.acme, account, key, used.id, { csr: await acmeCsr([dns('a.test')]) }));
    const there = async (): Promise<string[]> => store.acmeOrdersOf(account.id, undefined, 10);
    assert.equal((await there()).length, 2);
    clock.advance(3 * day);
    await store.write((tx) => tx.collectAcme(clock.now()));
    assert.deepEqual(await there(), [used.id]);
    assert.equal(await store.acmeOrder(unused.id), undefined);
    clock.advance(40 * day);
    await store.write((tx) => tx.collectAcme(clock.now()));
    assert.deepEqual(await there(), []);
  });

  it('is not overwritten with what it was before', async () => {
    const { store } = domain;
    const { account } = await domain.account({ preauthorized });
    const order = await domain.order(account, [dns('a.test')]);
    const change = (next: AcmeOrder): Promise<boolean> => store.write((tx) => tx.changeAcmeOrder(next));
    assert.equal(await change({ ...order, version: 2, status: 'invalid' }), true);
    assert.equal(await change({ ...order, version: 2, status: 'valid' }), false);
    assert.equal((await store.acmeOrder(order.id))?.status, 'invalid');
  });

  it('is one of a page, oldest first', async () => {
    const { account } = await domain.account({ preauthorized });
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      made.push((await domain.order(account, [dns('a.test')])).id);
      if (i % 2 === 1) domain.clock.advance(1000);
    }
    const pages: string[][] = [[]];
    do pages.push(await domain.store.acmeOrdersOf(account.id, pages.at(-1)?.at(-1), 3));
    while ((pages.at(-1)?.length ?? 0) > 0);
    assert.deepEqual(
      pages.map(({ length }) => length),
      [0, 3, 3, 1, 0],
    );
    assert.deepEqual(new Set(pages.flat()), new Set(made));
    assert.deepEqual(await domain.store.acmeOrdersOf('nobody', made[0], 3), []);
  });
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { answerChallenge } from '../../../src/domain/acme/challenges.ts';
import type { AcmeContext } from '../../../src/domain/acme/context.ts';
import type { AcmeAccount, AcmeOrder } from '../../../src/domain/acme/records.ts';
import { leaseMs } from '../../../src/domain/acme/validations.ts';
import type { Validate, ValidationResult, Validations, ValidationTask } from '../../../src/domain/acme/validations.ts';
import { hourlyLimits } from '../../../src/domain/acme/rate-limits.ts';
import { eventually } from '@countersign/testkit';
import { dns } from '../../support/acme.ts';
import { acmeDomain, expectOk, refusalOf } from '../../support/acme-domain.ts';
import type { AcmeDomain } from '../../support/acme-domain.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const good: Validate = async () => ({ ok: true });
const bad = (again: boolean): ValidationResult => ({
  ok: false,
  problem: { type: 'connection', detail: 'nobody is there' },
  again,
});

describeOnEachStore('the validation of challenges', () => {
  let domain: AcmeDomain;
  let account: AcmeAccount;
  beforeEach(async () => {
    domain = await acmeDomain();
    ({ account } = await domain.account());
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  const answer = (validations: Validations, order: AcmeOrder, index = 0, context: AcmeContext = domain.acme) =>
    answerChallenge(context, validations, account, { order: order.id, index }, 'http-01');
  const settledOrder = (id: string): Promise<AcmeOrder> =>
    eventually('the order is settled', 20_000, async () => {
      const order = await domain.store.acmeOrder(id);
      return order?.leaseUntil === undefined && order;
    });

  it('makes an order ready when each of its names is proven', async () => {
    const validations = domain.validations(good);
    const order = await domain.order(account, [dns('a.test'), dns('b.test')]);
    expectOk(await answer(validations, order, 0));
    assert.equal((await settledOrder(order.id)).status, 'pending');
    expectOk(await answer(validations, order, 1));
    assert.equal((await settledOrder(order.id)).status, 'ready');
  });

  it('settles two challenges at once without losing either', async () => {
    const validations = domain.validations(good);
    const order = await domain.order(
      account,
      Array.from({ length: 20 }, (_, i) => dns(`n${i}.test`)),
    );
    await Promise.all(order.authorizations.map((_, index) => answer(validations, order, index)));
    assert.equal((await settledOrder(order.id)).status, 'ready');
  });

  it('is durable as under way before the client hears of it', async () => {
    let seen: string | undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const validations = domain.validations(async () => {
      await promise;
      return { ok: true };
    });
    const order = await domain.order(account, [dns('a.test')]);
    const found = expectOk(await answer(validations, order));
    seen = (await domain.store.acmeOrder(order.id))?.authorizations[0]?.challenges[0]?.status;
    assert.deepEqual([found.challenge.status, seen], ['processing', 'processing']);
    resolve();
    await settledOrder(order.id);
  });

  it('looks again where that may help, waiting longer each time, and then says what it found', async () => {
    let looks = 0;
    const validations = domain.validations(async () => {
      looks += 1;
      return bad(true);
    });
    const order = await domain.order(account, [dns('a.test')]);
    await answer(validations, order);
    const settled = await settledOrder(order.id);
    assert.deepEqual([looks, domain.waited], [3, [1000, 3000]]);
    assert.equal(settled.status, 'invalid');
    assert.equal(settled.error?.detail, 'nobody is there');
    const once = domain.validations(async () => {
      looks += 1;
      return bad(false);
    });
    const other = await domain.order(account, [dns('a.test')]);
    await answer(once, other);
    await settledOrder(other.id);
    assert.equal(looks, 4);
  });

  it('looks once, however often the client says that it is ready', async () => {
    let looks = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const validations = domain.validations(async () => {
      looks += 1;
      await promise;
      return { ok: true };
    });
    const order = await domain.order(account, [dns('a.test')]);
    for (let i = 0; i < 5; i++) expectOk(await answer(validations, order));
    resolve();
    await settledOrder(order.id);
    expectOk(await answer(validations, order));
    assert.equal(looks, 1);
  });

  it('asks for the key authorization of the key that the account has then', async () => {
    const tasks: ValidationTask[] = [];
    const validations = domain.validations(async (task) => {
      tasks.push(task);
      return { ok: true };
    });
    const order = await domain.order(account, [dns('a.test')]);
    await domain.store.write((tx) => tx.changeAcmeAccount({ ...account, thumbprint: 'changed' }));
    await answer(validations, order);
    await settledOrder(order.id);
    assert.deepEqual(tasks[0]?.keyAuthorization, `${tasks[0]?.token}.changed`);
  });

  it('is taken up after the end of the process that did it', async () => {
    const { promise: never } = Promise.withResolvers<ValidationResult>();
    const order = await domain.order(account, [dns('a.test'), dns('b.test')]);
    const dead = domain.validations(() => never);
    await answer(dead, order, 0);
    await answer(dead, order, 1);
    // The same store, another process: at its start nobody else can be at it.
    const next = domain.validations(good);
    await next.resume('everything');
    assert.equal((await settledOrder(order.id)).status, 'ready');
  });

  it('is taken up by another node when its lease has ended, and by one of them', async () => {
    const { promise: never } = Promise.withResolvers<ValidationResult>();
    const order = await domain.order(account, [dns('a.test')]);
    await answer(
      domain.validations(() => never),
      order,
    );
    let looks = 0;
    const count: Validate = async () => {
      looks += 1;
      return { ok: true };
    };
    const other = await domain.place.open();
    const nodes = [domain.validations(count), domain.validations(count, domain.node(other))];
    for (const node of nodes) await node.resume('ended');
    assert.equal(looks, 0);
    domain.clock.advance(leaseMs + 1);
    await Promise.all(nodes.map((node) => node.resume('ended')));
    assert.equal((await settledOrder(order.id)).status, 'ready');
    assert.equal(looks, 1);
    await other.close();
  });

  it('is taken up at once by the node that had it, when that starts again, and by no other before its lease has ended', async () => {
    const { promise: never } = Promise.withResolvers<ValidationResult>();
    const order = await domain.order(account, [dns('a.test')]);
    await answer(
      domain.validations(() => never),
      order,
    );
    const looks: string[] = [];
    const node = (name: string): Validations =>
      domain.validations(
        async () => {
          looks.push(name);
          return { ok: true };
        },
        domain.acme,
        name,
      );
    await node('another').resume('own');
    assert.equal((await domain.store.acmeOrder(order.id))?.leaseBy, 'this');
    await node('this').resume('own');
    const settled = await settledOrder(order.id);
    assert.deepEqual([settled.status, settled.leaseBy, looks], ['ready', undefined, ['this']]);
  });

  it('ends as failed where the account or the order has ended before', async () => {
    const { promise: never } = Promise.withResolvers<ValidationResult>();
    const order = await domain.order(account, [dns('a.test')]);
    const late = await domain.order(account, [dns('b.test')]);
    const dead = domain.validations(() => never);
    await answer(dead, order);
    await answer(dead, late);
    domain.clock.advance(2 * 86_400_000);
    const next = domain.validations(good);
    await next.resume('everything');
    for (const { id } of [order, late]) {
      const settled = await settledOrder(id);
      assert.notEqual(settled.status, 'ready');
    }
    const again = await domain.order(account, [dns('c.test')]);
    await answer(dead, again);
    await domain.store.write((tx) => tx.changeAcmeAccount({ ...account, status: 'deactivated' }));
    await domain.validations(good).resume('everything');
    assert.equal((await settledOrder(again.id)).status, 'invalid');
  });

  it('stops with the process and leaves what is under way to the next', async () => {
    const order = await domain.order(account, [dns('a.test')]);
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const stopped = domain.validations(async (_task, signal) => {
      resolve();
      await new Promise((_ok, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
      return { ok: true };
    });
    await answer(stopped, order);
    await begun;
    await stopped.close();
    const left = await domain.store.acmeOrder(order.id);
    assert.equal(left?.authorizations[0]?.challenges[0]?.status, 'processing');
    await domain.validations(good).resume('everything');
    assert.equal((await settledOrder(order.id)).status, 'ready');
  });

  it('is refused for an identifier that has failed too often in an hour', async () => {
    const validations = domain.validations(async () => bad(false));
    for (let i = 0; i < hourlyLimits.failures; i++) {
      const order = await domain.order(account, [dns('a.test')]);
      expectOk(await answer(validations, order));
      await settledOrder(order.id);
    }
    const order = await domain.order(account, [dns('a.test')]);
    const refused = await answer(validations, order);
    assert.equal(refusalOf(refused), 'rateLimited');
    assert.ok(!refused.ok && (refused.problem.retryAfterSeconds ?? 0) > 3500);
    const other = await domain.order(account, [dns('b.test')]);
    expectOk(await answer(validations, other));
    domain.clock.advance(3_600_000);
    expectOk(await answer(validations, order));
    await settledOrder(order.id);
    await settledOrder(other.id);
  });
});

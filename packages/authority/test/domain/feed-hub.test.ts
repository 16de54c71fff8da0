import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, it } from 'node:test';
import { feedEventSchema } from '@countersign/protocol';
import type { FeedEvent } from '@countersign/protocol';
import { anchorOf, FeedState, nodeCrypto } from '@countersign/trust';
import { FeedHub } from '../../src/domain/feed-hub.ts';
import type { FeedSink, FeedSubscriber } from '../../src/domain/feed-subscription.ts';
import type { After, Store } from '../../src/domain/ports.ts';
import { release, revoke } from '../../src/domain/revocation.ts';
import { snapshotSigner } from '../../src/domain/snapshot-jws.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;

/** Timers that fire when the test says so. */
class Timers {
  readonly #waiting = new Set<() => void>();
  readonly after: After = (_ms, callback) => {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  };
  fire(): void {
    for (const callback of this.#waiting) callback();
  }
}

/** Keeps what it is sent. */
class Listener {
  readonly events: FeedEvent[] = [];
  ended = false;
  backlog = 0;
  #text = '';
  readonly sink: FeedSink;

  constructor() {
    const backlog = () => this.backlog;
    this.sink = {
      get backlog() {
        return backlog();
      },
      send: (octets) => {
        const lines = (this.#text + Buffer.from(octets).toString()).split('\n');
        this.#text = lines.pop() ?? '';
        this.events.push(...lines.map((line) => feedEventSchema.parse(JSON.parse(line))));
      },
      ready: async () => this.backlog < 1e9,
      end: () => {
        this.ended = true;
      },
    };
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

describeOnEachStore('the feed', () => {
  let domain: TestDomain;
  let timers: Timers;
  let hub: FeedHub;
  beforeEach(async () => {
    domain = await testDomain();
    timers = new Timers();
    hub = await openHub();
  });
  afterEach(async () => {
    hub.close();
    await domain[Symbol.asyncDispose]();
  });

  function openHub(store: Store = domain.store): Promise<FeedHub> {
    const [issuer] = domain.cas.issuing;
    assert.ok(issuer);
    return FeedHub.open({
      store,
      clock: domain.clock.now,
      after: timers.after,
      sign: snapshotSigner(() => issuer),
      heartbeatMs: 5000,
      turn: () => nextTurn(),
      elapsed: () => performance.now(),
      self: { id: 'here', name: 'here' },
    });
  }

  const subscriber = (extra: Partial<FeedSubscriber> = {}): FeedSubscriber => ({
    gateway: 'g1',
    name: 'edge',
    cursor: undefined,
    path: [],
    expiresAt: Number.POSITIVE_INFINITY,
    ...extra,
  });

  async function listen(extra: Partial<FeedSubscriber> = {}): Promise<Listener> {
    const listener = new Listener();
    await hub.subscribe(subscriber(extra), listener.sink);
    return listener;
  }

  async function revokeName(name: string): Promise<number> {
    const done = await revoke(domain.store, domain.clock.now(), { by: 'name', name }, 'superseded', local);
    assert.ok(done.ok);
    await hub.pump();
    return done.seq;
  }

  it('begins with a snapshot that gateways can verify, and goes on with changes', async () => {
    await domain.issued('early');
    await domain.issued('late');
    await revokeName('early');
    const listener = await listen();
    await revokeName('late');
    await release(domain.store, domain.clock.now(), { by: 'name', name: 'late' }, local);
    assert.deepEqual(listener.types, ['snapshot', 'heartbeat', 'revoked']);

    const state = new FeedState({ anchors: [anchorOf(domain.cas.root.certificate)], crypto: nodeCrypto });
    for (const event of listener.events) {
      const applied = state.apply(event, domain.clock.now());
      assert.ok(applied.ok, applied.ok ? '' : applied.error.message);
    }
    assert.equal(state.size, 2);
    assert.equal(state.cursor, hub.cursor);
  });

  it('gives exactly what was missed to who comes back with its cursor', async () => {
    for (const name of ['a', 'b', 'c']) await domain.issued(name);
    await revokeName('a');
    const { cursor } = hub;
    await revokeName('b');
    await revokeName('c');
    const listener = await listen({ cursor });
    assert.deepEqual(listener.types, ['revoked', 'revoked', 'heartbeat']);
    assert.deepEqual((await listen({ cursor: hub.cursor })).types, ['heartbeat']);
  });

  it('gives a snapshot to a cursor of another history, of the future, and to nonsense', async () => {
    const { seq, epoch } = await domain.store.state();
    for (const cursor of [`${'ff'.repeat(16)}:${seq}`, `${epoch}:${seq + 1}`, 'nonsense']) {
      assert.deepEqual((await listen({ cursor })).types, ['snapshot', 'heartbeat'], cursor);
    }
  });

  it('loses and repeats nothing for those who come while changes are made', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
    for (const name of names) await domain.issued(name);
    const listeners: Listener[] = [];
    await Promise.all(
      names.map(async (name, i) => {
        const revoking = revokeName(name);
        if (i % 4 === 0) listeners.push(await listen());
        await revoking;
      }),
    );
    await hub.pump();
    for (const { events } of listeners) {
      const known = events.flatMap((event) =>
        event.type === 'snapshot' ? event.revocations : event.type === 'revoked' ? [event] : [],
      );
      const serials = known.map(({ serial }) => serial);
      assert.equal(serials.length, names.length);
      assert.equal(new Set(serials).size, names.length);
    }
  });

  it('tells of a new CA with the bundle that the store has', async () => {
    const listener = await listen();
    const [issuer] = domain.cas.issuing;
    assert.ok(issuer);
    await domain.store.write(async (tx) => {
      const { der } = domain.cas.root.certificate;
      await tx.addCa({ id: 'issuing-2', keyHash: 'of another', der, createdAt: domain.clock.now() + 1, partitions: 1 });
      await tx.setGeneration(2);
      await tx.addChange({ type: 'bundle', generation: 2 }, 0);
    });
    await hub.pump();
    const event = listener.events.at(-1);
    assert.ok(event?.type === 'bundle');
    assert.deepEqual(event.bundle.intermediates, [issuer.pem, domain.cas.root.pem]);
    assert.equal(event.bundle.generation, 2);
  });

  it('beats every five seconds, with its place', async () => {
    const listener = await listen();
    await hub.tick();
    assert.equal(listener.events.length, 2);
    domain.clock.advance(5000);
    await hub.tick();
    assert.deepEqual(listener.types, ['snapshot', 'heartbeat', 'heartbeat']);
    domain.clock.advance(-3_600_000);
    await hub.tick();
    assert.equal(listener.events.length, 4, 'a clock that was set back does not silence it');
  });

  it('ends with the certificate it rests on: revoked or expired', async () => {
    const edge = await domain.issued('edge', 'gateway');
    const path = [{ issuer: edge.issuer, serial: edge.serial }];
    const revoked = await listen({ path });
    const expiring = await listen({ expiresAt: domain.clock.now() + 1000 });
    const other = await listen();
    await revokeName('edge');
    domain.clock.advance(1001);
    await hub.tick();
    assert.deepEqual([revoked.ended, expiring.ended, other.ended], [true, true, false]);
    assert.equal(revoked.types.at(-1), 'revoked', 'it still learns of its own revocation');
  });

  it('cuts off who does not read', async () => {
    await domain.issued('x');
    const slow = await listen();
    slow.backlog = 1e9;
    await revokeName('x');
    assert.ok(slow.ended);
    assert.equal(hub.gateways().length, 0);
  });

  it('knows when every gateway has acknowledged, and waits no longer than it is told', async () => {
    await domain.issued('x');
    await listen({ gateway: 'g1' });
    await listen({ gateway: 'g2' });
    const seq = await revokeName('x');
    const settling = hub.settled(seq, 1000);
    assert.ok(await hub.acknowledge('g1', hub.cursor, 2));
    assert.ok(await hub.acknowledge('g2', hub.cursor, 1));
    const { gateways, converged } = await settling;
    assert.deepEqual([gateways, converged], [2, 2]);

    await domain.issued('y');
    const late = hub.settled(await revokeName('y'), 1000);
    assert.ok(await hub.acknowledge('g1', hub.cursor, 2));
    timers.fire();
    assert.deepEqual({ ...(await late), waitedMs: 0 }, { gateways: 2, converged: 1, waitedMs: 0 });
  });

  it('takes no acknowledgement of another history or of the future', async () => {
    const { seq, epoch } = await domain.store.state();
    assert.equal(await hub.acknowledge('g1', `${'ff'.repeat(16)}:${seq}`, 1), false);
    assert.equal(await hub.acknowledge('g1', `${epoch}:${seq + 1}`, 1), false);
    assert.equal(await hub.acknowledge('g1', 'nonsense', 1), false);
    assert.equal(await hub.acknowledge('g1', `${epoch}:${seq}`, 1), true);
  });

  it('lets both sides compare what they know: holds, releases, second thoughts and ends of certificates included', async () => {
    await hub.readDigest();
    const state = new FeedState({ anchors: [anchorOf(domain.cas.root.certificate)], crypto: nodeCrypto });
    const listener = await listen();
    let taken = 0;
    const agree = async (): Promise<void> => {
      domain.clock.advance(5000);
      await hub.tick();
      for (; taken < listener.events.length; taken += 1) {
        const event = listener.events[taken];
        assert.ok(event);
        const applied = state.apply(event, domain.clock.now());
        assert.ok(applied.ok, applied.ok ? '' : applied.error.message);
      }
      const last = listener.events.at(-1);
      assert.ok(last?.type === 'heartbeat');
      assert.equal(last.digest, state.digest());
    };
    const now = () => domain.clock.now();
    const hold = (name: string) => revoke(domain.store, now(), { by: 'name', name }, 'certificateHold', local);
    for (const name of ['a', 'b', 'c', 'd']) await domain.issued(name);
    await domain.issued('short', 'client', { lifetimeSeconds: 3600 });
    await revokeName('a');
    await agree();
    for (const name of ['b', 'c', 'short']) await hold(name);
    await agree();
    await release(domain.store, now(), { by: 'name', name: 'b' }, local);
    await revokeName('c');
    await agree();
    assert.match(state.digest(), /^3-/u);
    domain.clock.advance(3 * 86_400_000);
    await agree();
    assert.match(state.digest(), /^2-/u, 'what has ended long ago is forgotten on both sides');

    // A hub that starts now reads the same from the store.
    const fresh = await openHub();
    await fresh.readDigest();
    const other = new Listener();
    await fresh.subscribe(subscriber({ cursor: fresh.cursor }), other.sink);
    assert.deepEqual(other.events, [{ type: 'heartbeat', cursor: fresh.cursor, at: now(), digest: state.digest() }]);
    fresh.close();

    // And a gateway that knows too much hears it.
    state.apply(
      {
        type: 'revoked',
        cursor: hub.cursor.replace(/\d+$/u, '999'),
        issuer: '00'.repeat(32),
        serial: 'ff',
        reason: 'superseded',
        revokedAt: 0,
        notAfter: now(),
      },
      now(),
    );
    const wrong = state.apply(
      { type: 'heartbeat', cursor: hub.cursor.replace(/\d+$/u, '999'), at: now(), digest: '2-'.padEnd(34, '0') },
      now(),
    );
    assert.ok(!wrong.ok && wrong.resync && wrong.error.code === 'feed_diverged');
  });

  it('gives a snapshot to who was away for so long that what it has missed is forgotten', async () => {
    for (const name of ['a', 'b', 'c']) await domain.issued(name);
    await revokeName('a');
    const { cursor } = hub;
    await revokeName('b');
    await revokeName('c');
    await domain.store.write((tx) => tx.pruneChanges(0, 1));
    assert.deepEqual((await listen({ cursor })).types, ['snapshot', 'heartbeat']);
    assert.deepEqual((await listen({ cursor: hub.cursor.replace(/\d+$/u, '2') })).types, ['revoked', 'heartbeat']);
  });

  it('begins anew for everybody when it was away for so long itself, and when the store has another history', async () => {
    for (const name of ['a', 'b', 'c']) await domain.issued(name);
    const other = await domain.place.open();
    const watched: string[] = [];
    hub.watch((change) => watched.push(change.type === 'bundle' ? 'bundle' : change.serial));
    const listener = await listen();
    for (const name of ['a', 'b', 'c'])
      await revoke(other, domain.clock.now(), { by: 'name', name }, 'superseded', local);
    await other.write((tx) => tx.pruneChanges(0, 1));
    // In PostgreSQL the hub may have heard of the changes before they were forgotten.
    await hub.pump();
    const missed = listener.types.filter((type) => type === 'revoked').length < 3;
    assert.equal(listener.ended, missed);
    await hub.readDigest();
    if (missed) assert.equal(watched.length, 3, 'who watches hears of every revocation instead');

    const again = await listen();
    await other.write((tx) => tx.beginEpoch('e1'.repeat(16), 0));
    await hub.tick();
    assert.ok(again.ended);
    assert.match(hub.cursor, /^(?:e1){16}:/u);
    await other.close();
  });

  it('writes one snapshot for all who come at the same time, and one that is not older than they are', async () => {
    let views = 0;
    const counted = {
      ...domain.store,
      view: (work: Parameters<Store['view']>[0]) => domain.store.view(((views += 1), work)),
    };
    hub.close();
    hub = await openHub(counted as Store);
    await domain.issued('a');
    await domain.issued('b');
    await revokeName('a');
    const together = await Promise.all(Array.from({ length: 50 }, () => listen()));
    assert.equal(views, 1);
    await revokeName('b');
    assert.ok(together.every(({ types }) => types.join() === 'snapshot,heartbeat,revoked'));
    assert.deepEqual((await listen()).types, ['snapshot', 'revoked', 'heartbeat'], 'what has changed since follows');
    assert.equal(views, 1);
    assert.deepEqual((await listen({ cursor: hub.cursor, full: true })).types, ['snapshot', 'heartbeat']);
    assert.equal(views, 2);
  });

  it('sends what was missed no faster than it is read, and ends with who does not read', async () => {
    await domain.issued('a');
    await revokeName('a');
    const stalled = new Listener();
    stalled.backlog = 1e9;
    await hub.subscribe(subscriber(), stalled.sink);
    assert.ok(stalled.ended);
    assert.equal(hub.gateways().length, 0);
  });

  it('does not say that it is up to date while the store does not answer', async () => {
    let away = false;
    const failing = {
      ...domain.store,
      changesAfter: (seq: number, limit: number) =>
        away ? Promise.reject(new Error('away')) : domain.store.changesAfter(seq, limit),
    };
    hub.close();
    hub = await openHub(failing);
    const listener = await listen();
    away = true;
    domain.clock.advance(5000);
    await assert.rejects(hub.tick(), /away/u);
    assert.deepEqual(listener.types, ['snapshot', 'heartbeat']);
    away = false;
    await hub.tick();
    assert.deepEqual(listener.types, ['snapshot', 'heartbeat', 'heartbeat']);
  });
});

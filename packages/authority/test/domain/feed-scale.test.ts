import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { eventually, startPostgres, withoutPostgres } from '@countersign/testkit';
import type { PostgresServer } from '@countersign/testkit';
import { createPostgresStore, openPostgresStore } from '../../src/adapters/postgres/store.ts';
import { issueForAdmin } from '../../src/domain/doors.ts';
import { FeedHub } from '../../src/domain/feed-hub.ts';
import type { Store } from '../../src/domain/ports.ts';
import { revoke } from '../../src/domain/revocation.ts';
import { snapshotSigner } from '../../src/domain/snapshot-jws.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { FeedGateway } from '../support/feed-gateway.ts';
import { newRequest } from '../support/keys.ts';

const gatewayCount = 1000;
const day = 86_400_000;

const afterMs = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

interface Node {
  readonly store: Store;
  readonly hub: FeedHub;
}

// One story, told in order: what each part leaves behind is what the next begins with.
describe('a thousand gateways of two nodes on one PostgreSQL', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  let settings: { url: string; schema: string };
  let domain: TestDomain;
  let first: Node;
  let second: Node;
  let gateways: FeedGateway[];
  let names = 0;

  async function node(name: string, store: Store): Promise<Node> {
    const [issuer] = domain.cas.issuing;
    assert.ok(issuer);
    const hub = await FeedHub.open({
      store,
      clock: domain.clock.now,
      after: afterMs,
      sign: snapshotSigner(() => issuer),
      heartbeatMs: 5000,
      turn: () => nextTurn(),
      elapsed: () => performance.now(),
      self: { id: `id of ${name}`, name },
    });
    await hub.readDigest();
    return { store, hub };
  }

  before(async () => {
    server = await startPostgres({ durable: true });
    settings = { url: server.database(), schema: 'scale' };
    await createPostgresStore(settings);
    domain = await testDomain({
      where: settings.url,
      raw: () => [],
      open: () => openPostgresStore(settings),
      [Symbol.dispose]: () => undefined,
    });
    first = await node('first', domain.store);
    second = await node('second', await openPostgresStore(settings));
    gateways = Array.from({ length: gatewayCount }, (_, i) => new FeedGateway(`g${i}`, domain));
  });
  after(async () => {
    for (const { hub } of [first, second]) hub.close();
    await second.store.close();
    await domain[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  async function revokeSome(count: number, store: Store): Promise<void> {
    const context = { ...domain.context, store };
    const local = { kind: 'local' } as const;
    for (let i = 0; i < count; i += 1) {
      names += 1;
      const name = `client ${names}`;
      const { csr } = await newRequest();
      assert.ok((await issueForAdmin(context, { name, profile: 'client', sans: [], csr }, local)).ok);
      assert.ok((await revoke(store, domain.clock.now(), { by: 'name', name }, 'superseded', local)).ok);
    }
  }

  /** Lets a heartbeat go out and whoever is not connected come back to `home`, until nobody comes back any more. */
  async function converge(nodes: readonly Node[], home: Node): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      domain.clock.advance(5000);
      for (const { hub } of nodes) await hub.tick();
      await Promise.all(gateways.filter(({ connected }) => !connected).map((gateway) => gateway.connect(home.hub)));
    }
    assert.deepEqual(
      gateways.filter(({ connected }) => !connected).map(({ id }) => id),
      [],
    );
    const digests = new Set(gateways.map(({ digest }) => digest));
    for (const { heartbeat } of gateways) digests.add(heartbeat?.digest ?? 'no digest in the heartbeat');
    assert.equal(digests.size, 1, [...digests].join(', '));
    assert.match([...digests][0] ?? '', new RegExp(`^${names}-`, 'u'));
  }

  it('come for the first time, all at once, to one node, and know what was revoked at either', async () => {
    await revokeSome(5, first.store);
    await Promise.all(gateways.map((gateway) => gateway.connect(first.hub)));
    assert.equal(first.hub.gateways().length, gatewayCount);
    await revokeSome(5, second.store);
    await converge([first, second], first);
  });

  it('miss events on the way: who has lost one finds out by the digest, and gets everything anew', async () => {
    const losing = gateways.slice(0, 7);
    const before = losing.map(({ snapshots }) => snapshots);
    for (const gateway of losing) gateway.loseNext = true;
    await revokeSome(2, second.store);
    await converge([first, second], first);
    assert.deepEqual(
      losing.map(({ snapshots }) => snapshots),
      before.map((count) => count + 1),
    );
    assert.ok(gateways.slice(7).every(({ snapshots }) => snapshots === 1));
  });

  it('are down for a day: what they have missed is what they get, not everything', async () => {
    const down = gateways.slice(100, 120);
    for (const gateway of down) gateway.disconnect();
    await revokeSome(3, first.store);
    domain.clock.advance(day);
    await revokeSome(3, second.store);
    await converge([first, second], second);
    assert.ok(down.every(({ snapshots }) => snapshots === 1));
  });

  it('come back in one storm to the other node when theirs is killed in the middle of a revocation', async () => {
    const opened = Promise.withResolvers<void>();
    const killed = Promise.withResolvers<never>();
    const write = first.store.write(async (tx) => {
      await tx.addChange({ type: 'bundle', generation: 9 }, domain.clock.now());
      opened.resolve();
      return killed.promise;
    });
    await opened.promise;
    // What a kill leaves of a node: its connections end, and nothing is said to anybody.
    server.sql(
      settings.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'",
    );
    for (const gateway of gateways) gateway.disconnect();
    await revokeSome(1, second.store);
    await converge([second], second);
    assert.equal(second.hub.gateways().length, gatewayCount);
    killed.reject(new Error('killed'));
    await assert.rejects(write, /killed/u);
  });

  it('hear no heartbeat while the database is away, and everything when it is back', async () => {
    const last = gateways.map(({ heartbeat }) => heartbeat?.at);
    await server.stop('SIGKILL');
    domain.clock.advance(5000);
    await assert.rejects(second.hub.tick());
    assert.deepEqual(
      gateways.map(({ heartbeat }) => heartbeat?.at),
      last,
    );
    await server.start();
    await eventually('the store answers', 10_000, () =>
      second.store.state().then(
        () => true,
        () => false,
      ),
    );
    await revokeSome(1, second.store);
    await converge([second], second);
  });
});

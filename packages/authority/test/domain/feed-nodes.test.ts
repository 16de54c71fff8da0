import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { eventually, testClock, withoutPostgres } from '@countersign/testkit';
import { openPostgresStore } from '../../src/adapters/postgres/store.ts';
import { FeedHub } from '../../src/domain/feed-hub.ts';
import type { Store } from '../../src/domain/ports.ts';
import { freshSchema } from '../support/stores.ts';

/** Timers that nobody waits for longer than they say; the real ones. */
const after = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

interface Node {
  readonly store: Store;
  readonly hub: FeedHub;
  end(): Promise<void>;
}

describe('several nodes', { skip: withoutPostgres }, () => {
  let settings: Awaited<ReturnType<typeof freshSchema>>;
  let nodes: Node[];
  let elapsed = 0;

  async function node(name: string): Promise<Node> {
    const store = await openPostgresStore(settings);
    const hub = await FeedHub.open({
      store,
      clock: testClock().now,
      after,
      elapsed: () => elapsed,
      sign: async () => 'not looked at here',
      heartbeatMs: 5000,
      turn: () => nextTurn(),
      self: { id: `id of ${name}`, name },
    });
    const made = {
      store,
      hub,
      end: async () => {
        hub.close();
        await store.close();
      },
    };
    nodes.push(made);
    return made;
  }

  /** A gateway that is connected to a node; it acknowledges at whichever it is told. */
  async function gateway(at: Node, id: string, isServer = false): Promise<void> {
    const sink = { send: () => undefined, backlog: 0, ready: async () => true, end: () => undefined };
    const { cursor } = at.hub;
    await at.hub.subscribe(
      { gateway: id, isServer, name: id, cursor, path: [], expiresAt: Number.POSITIVE_INFINITY },
      sink,
    );
  }

  async function knowEachOther(): Promise<void> {
    for (const { hub } of nodes) await hub.tick();
    await eventually('every node knows the others', 10_000, () =>
      nodes.every(({ hub }) => hub.nodes().length === nodes.length - 1),
    );
  }

  const change = (at: Node): Promise<number> =>
    at.store.write((tx) => tx.addChange({ type: 'bundle', generation: 1 }, 0));

  beforeEach(async () => {
    settings = await freshSchema();
    nodes = [];
    elapsed = 0;
    const first = await node('a');
    await first.store.write(async (tx) => {
      await tx.beginEpoch('e0'.repeat(16), 0);
      await tx.setGeneration(1);
    });
    await first.end();
    nodes = [];
  });
  afterEach(async () => {
    for (const one of nodes) await one.end();
  });

  it('a change counts as applied when the gateways of every node have said so, at whichever node they say it', async () => {
    const [a, b] = [await node('a'), await node('b')];
    await gateway(a, 'ga');
    await gateway(b, 'gb1');
    await gateway(b, 'gb2');
    await knowEachOther();
    const seq = await change(a);
    await a.hub.pump();
    const settling = a.hub.settled(seq, 60_000);
    assert.ok(await a.hub.acknowledge('ga', a.hub.cursor, 1));
    assert.ok(await b.hub.acknowledge('gb1', a.hub.cursor, 1));
    // This one's stream is at the other node: what it says here is passed on.
    assert.ok(await a.hub.acknowledge('gb2', a.hub.cursor, 1));
    const { gateways, converged, nodes: others } = await settling;
    assert.deepEqual([gateways, converged], [3, 3]);
    assert.deepEqual(others, [{ node: 'b', gateways: 2, converged: 2, answered: true }]);
  });

  it('and when the judging servers of every node have, which are counted apart', async () => {
    const [a, b] = [await node('a'), await node('b')];
    await gateway(a, 'ga');
    await gateway(b, 'sb', true);
    await knowEachOther();
    const seq = await change(a);
    await a.hub.pump();
    const settling = a.hub.settled(seq, 60_000);
    assert.ok(await a.hub.acknowledge('ga', a.hub.cursor, 1));
    assert.ok(await a.hub.acknowledge('sb', a.hub.cursor, 1));
    const { gateways, converged, servers, nodes: others } = await settling;
    assert.deepEqual([gateways, converged, servers], [1, 1, { connected: 1, converged: 1 }]);
    const counted = { gateways: 0, converged: 0, servers: { connected: 1, converged: 1 } };
    assert.deepEqual(others, [{ node: 'b', ...counted, answered: true }]);
    // One that does not answer is waited for no longer than is said, and is not counted as converged.
    const late = await a.hub.settled(await change(a), 500);
    assert.deepEqual([late.converged, late.servers], [0, { connected: 1, converged: 0 }]);
    assert.deepEqual([b.hub.gateways().length, b.hub.servers().length], [0, 1]);
  });

  it('and says which node has not answered, or how far its gateways are', async () => {
    const [a, b, c] = [await node('a'), await node('b'), await node('c')];
    await gateway(b, 'gb1');
    await gateway(b, 'gb2');
    await gateway(c, 'gc');
    await knowEachOther();
    // As if it were frozen: it is there, and hears nothing.
    await c.store.close();
    const seq = await change(a);
    await a.hub.pump();
    assert.ok(await b.hub.acknowledge('gb1', a.hub.cursor, 1));
    const { gateways, converged, nodes: others = [] } = await a.hub.settled(seq, 1000);
    assert.deepEqual([gateways, converged], [3, 1]);
    assert.deepEqual(
      others.toSorted((x, y) => x.node.localeCompare(y.node)),
      [
        { node: 'b', gateways: 2, converged: 1, answered: true },
        { node: 'c', gateways: 1, converged: 0, answered: false },
      ],
    );
    // Who has said nothing for long is there no more, and nobody waits for it.
    elapsed = 6000;
    await b.hub.tick();
    await eventually('the silent node is forgotten', 10_000, () => a.hub.nodes().length === 1);
    assert.ok(await b.hub.acknowledge('gb2', a.hub.cursor, 1));
    const settled = await a.hub.settled(seq, 60_000);
    assert.deepEqual([settled.gateways, settled.converged], [2, 2]);
  });

  it('and one that ends is not waited for', async () => {
    const [a, b] = [await node('a'), await node('b')];
    await gateway(b, 'gb');
    await knowEachOther();
    b.hub.close();
    await eventually('it has said that it goes', 10_000, () => a.hub.nodes().length === 0);
    const { gateways } = await a.hub.settled(await change(a), 60_000);
    assert.equal(gateways, 0);
  });

  it('what is none of their messages is passed over', async () => {
    const a = await node('a');
    const heard = Promise.withResolvers<void>();
    const stop = a.store.channel?.onMessage((text) => {
      if (text === 'the last') heard.resolve();
    });
    for (const text of ['nonsense', '{}', '{"type":"here"}', '{"node":"x","type":"here","name":1}', 'the last']) {
      await a.store.channel?.send(text);
    }
    await heard.promise;
    assert.deepEqual(a.hub.nodes(), []);
    stop?.();
  });

  it('an acknowledgement or a subscription that is ahead of this node makes it read on', async () => {
    const [a, b] = [await node('a'), await node('b')];
    await gateway(b, 'gb');
    const seq = await change(a);
    await a.hub.pump();
    const ahead = a.hub.cursor;
    assert.ok(await b.hub.acknowledge('gb', ahead, 1));
    assert.equal(b.hub.gateways()[0]?.acknowledged, ahead);
    assert.equal(b.hub.cursor, ahead);
    assert.equal(await b.hub.acknowledge('gb', ahead.replace(`:${seq}`, `:${seq + 1}`), 1), false);
  });
});

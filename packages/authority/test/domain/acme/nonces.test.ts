import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { testClock } from '@countersign/testkit';
import { createNonces, nonceLifetimeMs, nonceWindow } from '../../../src/domain/acme/nonces.ts';
import { acmeDomain } from '../../support/acme-domain.ts';
import type { AcmeDomain } from '../../support/acme-domain.ts';
import { describeOnEachStore } from '../../support/stores.ts';

const secret = randomBytes(32);
const random = (length: number): Uint8Array => randomBytes(length);

describe('the nonces of a node that has its store to itself', () => {
  it('are each good once', async () => {
    const nonces = createNonces({ clock: testClock().now, random, secret });
    const issued = Array.from({ length: 1000 }, () => nonces.issue());
    assert.equal(new Set(issued).size, 1000);
    for (const nonce of issued.toReversed()) assert.equal(await nonces.use(nonce), true);
    for (const nonce of issued) assert.equal(await nonces.use(nonce), false);
  });

  it('are each good for one of many at once', async () => {
    const nonces = createNonces({ clock: testClock().now, random, secret });
    const nonce = nonces.issue();
    const used = await Promise.all(Array.from({ length: 100 }, () => nonces.use(nonce)));
    assert.equal(used.filter(Boolean).length, 1);
  });

  it('are good for an hour, and no longer than as many others as are remembered: a million', async () => {
    const clock = testClock();
    assert.equal(nonceWindow, 1_048_576);
    const remembered = 4096;
    const nonces = createNonces({ clock: clock.now, random, secret, remembered });
    const old = nonces.issue();
    clock.advance(nonceLifetimeMs + 60_000);
    assert.equal(await nonces.use(old), false);
    const passed = nonces.issue();
    const kept = nonces.issue();
    for (let i = 0; i < remembered - 1; i++) nonces.issue();
    assert.equal(await nonces.use(passed), false);
    assert.equal(await nonces.use(kept), true);
    assert.equal(await nonces.use(kept), false);
  });

  it('are those of this node, since it started', async () => {
    const clock = testClock();
    const before = createNonces({ clock: clock.now, random, secret });
    const after = createNonces({ clock: clock.now, random, secret });
    assert.equal(await after.use(before.issue()), false);
    const other = createNonces({ clock: clock.now, random, secret: randomBytes(32) });
    assert.equal(await after.use(other.issue()), false);
  });

  it('cannot be made up or bent', async () => {
    const nonces = createNonces({ clock: testClock().now, random, secret });
    const octets = Buffer.from(nonces.issue(), 'base64url');
    for (let bit = 0; bit < octets.length * 8; bit++) {
      const bent = Buffer.from(octets);
      bent[bit >> 3] = (bent[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(await nonces.use(bent.toString('base64url')), false);
    }
    for (const text of ['', '=', 'A'.repeat(46), 'A'.repeat(100_000), `${octets.toString('base64url')}=`]) {
      assert.equal(await nonces.use(text), false);
    }
  });
});

describeOnEachStore('the nonces of a store', () => {
  let domain: AcmeDomain;
  beforeEach(async () => {
    domain = await acmeDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  it('are good once on all nodes that share it, whoever issued them', async () => {
    const other = await domain.place.open();
    const nodes = [domain.acme, domain.node(other)];
    for (const issuer of nodes) {
      const nonces = Array.from({ length: 20 }, () => issuer.nonces.issue());
      const used = await Promise.all(
        nonces.map(async (nonce) => {
          const uses = await Promise.all([...nodes, ...nodes, ...nodes].map((node) => node.nonces.use(nonce)));
          return uses.filter(Boolean).length;
        }),
      );
      assert.deepEqual(
        used,
        nonces.map(() => 1),
      );
    }
    await other.close();
  });

  it('are forgotten when they are good no longer', async () => {
    const { store, acme, clock } = domain;
    await store.write((tx) => tx.claimAcmeNonces(['a', 'b'], clock.now() + 1000));
    assert.deepEqual(await store.write((tx) => tx.claimAcmeNonces(['b', 'c'], clock.now() + 1000)), new Set(['c']));
    clock.advance(2000);
    await store.write((tx) => tx.collectAcme(acme.clock()));
    assert.deepEqual(domain.place.raw('select count(*) from acme_nonces'), ['0']);
  });
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, it } from 'node:test';
import { recordAudit, findAuditBreak } from '../../src/domain/audit.ts';
import type { FeedChange, Store } from '../../src/domain/ports.ts';
import { testDomain } from '../support/context.ts';
import type { TestDomain } from '../support/context.ts';
import { describeOnEachStore } from '../support/stores.ts';

const local = { kind: 'local' } as const;
const bundle: FeedChange = { type: 'bundle', generation: 1 };

describeOnEachStore('the store', () => {
  let domain: TestDomain;
  beforeEach(async () => {
    domain = await testDomain();
  });
  afterEach(() => domain[Symbol.asyncDispose]());

  it('keeps nothing of a write that refuses, fails or throws, and everything of those beside it', async () => {
    const { store } = domain;
    const token = (hash: string) => ({
      hash,
      name: hash,
      profile: 'client' as const,
      sans: [],
      createdAt: 0,
      expiresAt: 1,
    });
    const outcomes = await Promise.allSettled([
      store.write((tx) => tx.addToken(token('a'))),
      store.write(async (tx) => {
        await tx.addToken(token('b'));
        return { ok: false };
      }),
      store.write(async (tx) => {
        await tx.addToken(token('c'));
        throw new Error('thrown');
      }),
      store.write(async (tx) => {
        await tx.addToken(token('d'));
        await tx.addToken(token('d'));
      }),
      store.write((tx) => tx.addToken(token('e'))),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    const there = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(async (hash) => (await store.token(hash)) !== undefined),
    );
    assert.deepEqual(there, [true, false, false, false, true]);
  });

  it('shows nothing of a write before it is durable', async () => {
    const { store } = domain;
    let seen: unknown = 'not asked';
    await store.write(async (tx) => {
      await tx.addToken({ hash: 'x', name: 'x', profile: 'client', sans: [], createdAt: 0, expiresAt: 1 });
      seen = await store.token('x');
    });
    assert.equal(seen, undefined);
    assert.ok(await store.token('x'));
  });

  it('numbers the feed without a gap, whatever was given up in between', async () => {
    const { store } = domain;
    await Promise.allSettled(
      Array.from({ length: 30 }, (_, i) =>
        store.write(async (tx) => {
          await tx.addChange(bundle, i);
          if (i % 3 === 1) throw new Error('thrown');
          return { ok: i % 3 === 0 };
        }),
      ),
    );
    const seqs = (await store.changesAfter(0, 100)).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      Array.from({ length: 10 }, (_, i) => i + 1),
    );
  });

  it('gives back the octets and the numbers that it was given', async () => {
    const { store, cas } = domain;
    const [stored] = await store.cas();
    assert.deepEqual(stored?.der, new Uint8Array(cas.root.certificate.der));
    const issued = await domain.issued('octets');
    const again = await store.certificate(issued.issuer, issued.serial);
    assert.deepEqual(again, issued);
    assert.equal(typeof again?.notAfter, 'number');
    assert.deepEqual({ ...(await store.countCertificates(domain.clock.now())) }, { total: 1, valid: 1, revoked: 0 });
  });

  it('shows a view one moment, whatever is written meanwhile', async () => {
    const { store } = domain;
    const seen = await store.view(async (tx) => {
      const before = await tx.state();
      assert.equal(await store.write((other) => other.addChange(bundle, 0)), 1);
      const after = await tx.state();
      return [before.seq, after.seq];
    });
    assert.deepEqual(seen, [0, 0]);
    assert.equal((await store.state()).seq, 1);
  });

  it('forgets old changes but never the last, and tokens long after their end', async () => {
    const { store } = domain;
    await store.write(async (tx) => {
      for (let at = 1; at <= 10; at += 1) await tx.addChange(bundle, at);
      const token = { name: 'x', profile: 'client' as const, sans: [], createdAt: 0 };
      await tx.addToken({ ...token, hash: 'old', expiresAt: 4 });
      await tx.addToken({ ...token, hash: 'new', expiresAt: 5 });
    });
    const seqs = async () => (await store.changesAfter(0, 100)).map(({ seq }) => seq);
    assert.equal(await store.write((tx) => tx.pruneChanges(4, 1000)), 3);
    assert.deepEqual(await seqs(), [4, 5, 6, 7, 8, 9, 10]);
    await store.write((tx) => tx.pruneChanges(0, 2));
    assert.deepEqual(await seqs(), [9, 10]);
    await store.write((tx) => tx.pruneChanges(1000, 1000));
    assert.deepEqual(await seqs(), [10]);
    assert.equal(await store.write((tx) => tx.addChange(bundle, 11)), 11, 'a number is never given twice');
    assert.equal(await store.write((tx) => tx.pruneTokens(5)), 1);
    assert.ok((await store.token('new')) !== undefined && (await store.token('old')) === undefined);
  });

  it('gives all revocations in their order, a page at a time', async () => {
    const { store } = domain;
    for (let i = 0; i < 7; i += 1) await domain.issued(`n${i}`);
    const all = await store.listCertificates({ afterId: 0, limit: 100 }, 0);
    await store.write(async (tx) => {
      for (const { id } of all) await tx.revokeCertificate(id, 'superseded', 1);
    });
    const seen: string[] = [];
    let last: { issuer: string; serial: string } | undefined;
    for (;;) {
      const page = await store.revocationsAfter(last, 0, 3);
      seen.push(...page.map(({ serial }) => serial));
      last = page.at(-1);
      if (page.length < 3) break;
    }
    assert.deepEqual(seen, all.map(({ serial }) => serial).toSorted());
  });

  it('calls back after every durable change of the feed, and not after one that was given up', async () => {
    const { store } = domain;
    const seen: number[] = [];
    const heard = Promise.withResolvers<void>();
    const stop = store.onChange(() => {
      void store.state().then(({ seq }) => {
        seen.push(seq);
        heard.resolve();
      });
    });
    await store.write(async (tx) => {
      await tx.addChange(bundle, 0);
      return { ok: true };
    });
    await heard.promise;
    assert.equal(seen[0], 1);
    stop();
  });

  it('keeps one audit chain, whoever writes', async () => {
    const { store, place } = domain;
    const other = await place.open();
    try {
      const note = (node: Store) =>
        node.write((tx) => recordAudit(tx, 0, 'authority.started', local, { version: 'test' }));
      await Promise.all(Array.from({ length: 60 }, (_, i) => note(i % 2 === 0 ? store : other)));
      assert.equal(await findAuditBreak(store), undefined);
      assert.equal((await store.auditTail())?.seq, 60);
    } finally {
      await other.close();
    }
  });

  it('lets a token be used once, however many nodes are asked at the same time', async () => {
    const { store, place } = domain;
    const other = await place.open();
    try {
      await store.write((tx) =>
        tx.addToken({ hash: 'once', name: 'x', profile: 'client', sans: [], createdAt: 0, expiresAt: 9 }),
      );
      const used = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : other).write((tx) => tx.useToken('once', 1, 'aa'))),
      );
      assert.equal(used.filter(Boolean).length, 1);
    } finally {
      await other.close();
    }
  });
});

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
    const stored = (await store.cas()).find(({ id }) => id === 'root');
    assert.deepEqual(stored?.der, new Uint8Array(cas.root.certificate.der));
    const issued = await domain.issued('octets');
    const again = await store.certificate(issued.issuer, issued.serial);
    assert.deepEqual(again, issued);
    assert.equal(typeof again?.notAfter, 'number');
    const long = new Uint8Array(700_000).map((_, i) => i % 251);
    await store.write(async (tx) => {
      await tx.addCrlPiece('i', 'full', 2 ** 50, 0, long);
      const head = {
        number: 2 ** 50,
        thisUpdate: 2 ** 41,
        nextUpdate: 2 ** 42,
        entries: 1,
        bytes: 7,
        seq: 3,
        shown: 4,
      };
      await tx.saveCrl({ issuer: 'i', scope: 'full', ...head });
      await tx.saveCrl({ issuer: 'i', scope: 'delta', ...head, base: { number: 5, seq: 6, at: 7 } });
    });
    assert.deepEqual(await store.crlPiece('i', 'full', 2 ** 50, 0), long);
    assert.equal(await store.crlPiece('i', 'full', 2 ** 50, 1), undefined);
    const [delta, full] = (await store.crls('i')).toSorted((a, z) => String(a.scope).localeCompare(String(z.scope)));
    assert.deepEqual([full?.number, full?.nextUpdate, full?.base], [2 ** 50, 2 ** 42, undefined]);
    assert.deepEqual(delta?.base, { number: 5, seq: 6, at: 7 });
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
      for (const { id } of all) await tx.revokeCertificate(id, { reason: 'superseded', revokedAt: 1 });
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

  it('shows a view one moment while others write, and they need not wait for it', async () => {
    const { store } = domain;
    const seen = await store.view(async (tx) => {
      const before = await tx.state();
      await store.write((other) => other.addChange(bundle, 0));
      return [before.seq, (await tx.state()).seq, (await store.state()).seq];
    });
    assert.deepEqual(seen, [0, 0, 1]);
    await assert.rejects(
      store.view(() => Promise.reject(new Error('mine'))),
      /mine/u,
    );
    assert.equal(await store.view(async (tx) => (await tx.state()).seq), 1);
  });

  it('gives each number of a CRL out once, beyond those that a restore may have lost', async () => {
    const { store } = domain;
    const next = (scope: number | 'full') => store.write((tx) => tx.nextCrlNumber('i', scope));
    const numbers = await Promise.all([next(0), next(0), next('full'), next(0)]);
    assert.deepEqual(numbers, [1, 2, 1, 3]);
    await store.write((tx) => tx.beginEpoch('ab'.repeat(16), 100));
    assert.deepEqual(await Promise.all([next(0), next('full'), next(0)]), [101, 101, 102]);
    await store.write((tx) => tx.countCrlChange('i', 0));
    await store.write((tx) => tx.countCrlChange('i', 0));
    assert.deepEqual([await store.crlChanges('i', 0), await store.crlChanges('i', 'full')], [2, 0]);
    assert.deepEqual(
      (await store.crlSequences('i')).toSorted((a, z) => String(a.scope).localeCompare(String(z.scope))),
      [
        { scope: 0, number: 102, changes: 2 },
        { scope: 'full', number: 101, changes: 0 },
      ],
    );
  });

  it('drops the pieces of long lists that nobody can read any more a few at a time, and keeps the list before', async () => {
    const { store } = domain;
    const head = { thisUpdate: 0, nextUpdate: 0, entries: 0, bytes: 3, seq: 0, shown: 0 };
    const piecesOf = async (number: number): Promise<number> => {
      const pieces = await Promise.all([0, 1, 2].map((piece) => store.crlPiece('long', 'full', number, piece)));
      return pieces.filter((piece) => piece !== undefined).length;
    };
    const drop = (limit: number): Promise<number> => store.write((tx) => tx.dropCrlPieces('long', 'full', limit));
    for (const number of [1, 2, 3, 4]) {
      await store.write(async (tx) => {
        for (const piece of [0, 1, 2]) await tx.addCrlPiece('long', 'full', number, piece, Uint8Array.of(number));
        await tx.saveCrl({ issuer: 'long', scope: 'full', number, ...head });
      });
    }
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map(piecesOf)), [3, 3, 3, 3]);
    assert.deepEqual([await drop(4), await drop(4), await drop(4)], [4, 2, 0]);
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map(piecesOf)), [0, 0, 3, 3]);
  });

  it('keeps the CRL with the higher number, and knows a base of URLs once', async () => {
    const { store } = domain;
    const save = (number: number) =>
      store.write(async (tx) => {
        await tx.addCrlPiece('i', 'full', number, 0, Uint8Array.of(number));
        const head = { thisUpdate: 0, nextUpdate: 0, entries: 0, bytes: 1, seq: 0, shown: 0 };
        return tx.saveCrl({ issuer: 'i', scope: 'full', number, ...head });
      });
    assert.deepEqual([await save(5), await save(4), await save(6)], [true, false, true]);
    assert.equal((await store.crl('i', 'full'))?.number, 6);
    const left = await Promise.all([4, 5, 6].map((number) => store.crlPiece('i', 'full', number, 0)));
    assert.deepEqual(left, [undefined, undefined, Uint8Array.of(6)]);
    const add = (base: string, since: number) => store.write((tx) => tx.addCrlBase('i', base, since));
    assert.deepEqual(
      [await add('http://a', 1), await add('http://b', 2), await add('http://a', 3)],
      [true, true, false],
    );
    assert.deepEqual(await store.crlBases('i'), ['http://b', 'http://a']);
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

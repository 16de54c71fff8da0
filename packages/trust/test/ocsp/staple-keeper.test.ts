import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';

import { authorityInfoAccess, buildOcspRequest, OID } from '@countersign/pki';
import {
  BAD_ANSWERS,
  createRoot,
  deadPort,
  eventually,
  ocspAnswer,
  type OcspBehaviour,
  serveOcsp,
  temporaryFolder,
  testClock,
  type TestHttpServer,
} from '@countersign/testkit';

import { AddressGuard, issuerAmong, nodeCrypto, StapleKeeper, stapleQuestion, StapleStore } from '../../src/index.ts';
import type { Staple } from '../../src/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const naming = (url: string) => [authorityInfoAccess([{ method: OID.ocsp, location: { type: 'uri', value: url } }])];
const loopback = new AddressGuard({ allow: ['127.0.0.1'] });

interface Wake {
  readonly ms: number;
  readonly wake: () => void;
}

/** A keeper whose clock and timers belong to the test. */
async function bench(behaviour: () => OcspBehaviour, kept?: (server: Bench) => Promise<Uint8Array>) {
  const clock = testClock();
  const root = await createRoot('Root', { now: clock.now() });
  const responder = await serveOcsp(root, () => ({ now: clock.now, ...behaviour() }));
  const server = await root.issue('server', { usages: [OID.serverAuth], extensions: naming(responder.url) });
  const found = stapleQuestion([server.certificate, root.certificate], () => loopback, nodeCrypto);
  assert.ok(found.ok);
  const parts = { clock, root, responder, server };
  const told: (Staple | undefined)[] = [];
  const problems: string[] = [];
  const wakes: Wake[] = [];
  const keeper = new StapleKeeper(
    {
      question: found.question,
      port: { crypto: nodeCrypto, now: clock.now, randomBytes },
      random: () => 0.5,
      lookEveryMs: 24 * HOUR,
      wakeAfter(ms, wake) {
        wakes.push({ ms, wake });
        return { stop: () => undefined };
      },
      onStaple: (staple) => told.push(staple),
      onProblem: (problem) => problems.push(problem),
    },
    await kept?.(parts),
  );
  const next = async (count: number) => {
    await eventually('it has tried and sleeps', 10_000, () => wakes.length >= count);
    return wakes[count - 1] as Wake;
  };
  return { ...parts, keeper, told, problems, next, [Symbol.asyncDispose]: () => responder[Symbol.asyncDispose]() };
}

interface Bench {
  readonly clock: ReturnType<typeof testClock>;
  readonly root: Awaited<ReturnType<typeof createRoot>>;
  readonly responder: TestHttpServer;
  readonly server: Awaited<ReturnType<Bench['root']['issue']>>;
}

describe('the staple of a server', () => {
  test('is there at once, and is asked for again long before it ends', async () => {
    await using made = await bench(() => ({}));
    await made.keeper.first;
    assert.equal(made.keeper.current?.status, 'good');
    const { ms, wake } = await made.next(1);
    assert.ok(ms >= 15 * MINUTE && ms <= 25 * MINUTE, String(ms));
    const before = made.keeper.current;
    made.clock.advance(ms);
    wake();
    await made.next(2);
    assert.ok((made.keeper.current?.thisUpdate ?? 0) > (before?.thisUpdate ?? 0));
    assert.equal(made.responder.seen.length, 2);
  });

  test('outlives a dead responder until its own end, is asked for with back-off, and comes back', async () => {
    let isDead = false;
    await using made = await bench(() => (isDead ? { error: 'tryLater' } : {}));
    const first = await made.next(1);
    isDead = true;
    made.clock.advance(first.ms);
    first.wake();
    const second = await made.next(2);
    assert.equal(made.keeper.current?.status, 'good');
    made.clock.advance(second.ms);
    second.wake();
    const third = await made.next(3);
    assert.ok(third.ms > second.ms);
    assert.equal(made.problems.length, 1, 'told once');
    made.clock.advance(2 * HOUR);
    assert.equal(made.keeper.current === undefined, true, 'what has ended is not shown');
    isDead = false;
    third.wake();
    await made.next(4);
    assert.deepEqual(
      made.told.map((staple) => staple?.status),
      ['good', undefined, 'good'],
    );
  });

  test('that has ended is told to have ended even while its responder is silent', async () => {
    await using made = await bench(() => ({}));
    const first = await made.next(1);
    made.responder.behave(BAD_ANSWERS.error);
    made.clock.advance(first.ms);
    first.wake();
    const second = await made.next(2);
    made.clock.advance(2 * HOUR);
    second.wake();
    assert.equal(made.told.at(-1), undefined);
    await made.next(3);
  });

  test('T36: is never replaced by an older one', async () => {
    let thisUpdate = 0;
    let isRevoked = true;
    await using made = await bench(() => ({
      thisUpdate,
      status: () => (isRevoked ? { status: 'revoked', revocationTime: 0 } : { status: 'good' }),
    }));
    const first = await made.next(1);
    assert.equal(made.keeper.current?.status, 'revoked');
    [thisUpdate, isRevoked] = [-30 * MINUTE, false];
    made.clock.advance(first.ms);
    first.wake();
    await made.next(2);
    assert.equal(made.keeper.current?.status, 'revoked');
  });

  test('of before a restart serves at once, unless it is another’s or has ended', async () => {
    await using made = await bench(() => ({ error: 'tryLater' }), staple);
    assert.equal(made.keeper.current?.status, 'good');
    await made.keeper.first;
    await using other = await bench(
      () => ({ error: 'tryLater' }),
      async ({ root, clock }) => staple({ root, clock, server: await root.issue('other') }),
    );
    await other.next(1);
    assert.equal(other.keeper.current, undefined);
    await using late = await bench(
      () => ({ error: 'tryLater' }),
      async (parts) => {
        const der = await staple(parts);
        parts.clock.advance(2 * HOUR);
        return der;
      },
    );
    await late.next(1);
    assert.equal(late.keeper.current, undefined);
  });

  test('lies about nothing: other certificates’ and other signers’ answers are none', async () => {
    const stranger = await createRoot('Root');
    for (const lie of [{ delegate: stranger }, { error: 'unauthorized' }] as const) {
      await using made = await bench(() => lie);
      await made.next(1);
      assert.equal(made.keeper.current, undefined);
      assert.equal(made.problems.length, 1);
    }
  });

  test('is not asked for where nobody is named, or the issuer is not at hand; a CA of the same name is not the issuer', async () => {
    const root = await createRoot('Root');
    const twin = await createRoot('Root');
    const ask = (certificate: typeof root, ...others: (typeof root)[]) =>
      stapleQuestion([certificate.certificate, ...others.map((one) => one.certificate)], () => loopback, nodeCrypto);
    const silent = (await root.issue('silent')) as typeof root;
    const named = (await root.issue('named', {
      extensions: naming(`http://127.0.0.1:${await deadPort()}/`),
    })) as typeof root;
    assert.deepEqual(ask(silent, root), { ok: false, code: 'no_responder' });
    assert.deepEqual(ask(named, twin), { ok: false, code: 'no_issuer' });
    assert.equal(ask(named, twin, root).ok, true);
    assert.equal(issuerAmong(named.certificate, [twin.certificate, root.certificate], nodeCrypto), root.certificate);
  });

  test('is kept on disk, and a file that is in the way is told of', async () => {
    using folder = temporaryFolder();
    const problems: string[] = [];
    const store = new StapleStore(folder.in('staples/a.ocsp'), ({ code }) => problems.push(code));
    assert.equal(await store.load(), undefined);
    store.keep(Uint8Array.of(1));
    store.keep(Uint8Array.of(2));
    await store.settled();
    assert.deepEqual([...((await store.load()) ?? [])], [2]);
    writeFileSync(folder.in('file'), '');
    const blocked = new StapleStore(folder.in('file/a.ocsp'), ({ code }) => problems.push(code));
    blocked.keep(Uint8Array.of(1));
    await blocked.settled();
    assert.deepEqual(problems, ['state_unwritable']);
  });
});

function staple({ root, server, clock }: Pick<Bench, 'root' | 'server' | 'clock'>): Promise<Uint8Array> {
  return ocspAnswer(buildOcspRequest([server.certificate], root.certificate, nodeCrypto), root, { now: clock.now });
}

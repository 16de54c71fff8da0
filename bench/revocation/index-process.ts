// The revocation index in a process of its own, so that what it holds can be told: `node --expose-gc index-process.ts COUNT FOLDER`.
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { anchorOf, nodeCrypto, RevocationIndex, StateStore } from '@countersign/trust';
import {
  issuer as issuerKeyHash,
  issuing,
  newFeed,
  now,
  revocation,
  root,
  snapshot,
} from '../../packages/trust/test/feed/fixture.ts';
import type { IndexFigures } from './index-memory.ts';

const [wanted, folder = ''] = process.argv.slice(2);
const count = Number(wanted);
const looks = 200_000;

/** Octets that are held when everything that can be thrown away has been. */
async function held(): Promise<number> {
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Milliseconds of this process's processor time. */
async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Nanoseconds for a look, the median of five turns. */
async function lookNanos(index: RevocationIndex, serials: readonly string[]): Promise<number> {
  const turns: number[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    const ms = await cpuMs(() => {
      for (let i = 0; i < looks; i += 1) index.has(issuerKeyHash, serials[i % serials.length] ?? '');
    });
    turns.push((ms * 1e6) / looks);
  }
  // The first turn compiles.
  return turns.slice(1).toSorted((a, b) => a - b)[2] ?? Number.NaN;
}

const newSerial = (): string => `01${randomBytes(15).toString('hex')}`;
const unknown = Array.from({ length: 10_000 }, newSerial);
const none = new RevocationIndex();
none.set({ issuerKeyHash, serialHex: '01', reason: 'superseded', revokedAt: now });
const before = await held();
const index = new RevocationIndex();
const known: string[] = [];
let fillMs = 0;
const atOnce = 10_000;
for (let filled = 0; filled < count; filled += atOnce) {
  // Making them costs more than taking them in.
  const serials = Array.from({ length: Math.min(atOnce, count - filled) }, newSerial);
  known.push(...serials.slice(0, Math.ceil(1e8 / count)));
  fillMs += await cpuMs(() => {
    for (const serialHex of serials) {
      index.set({ issuerKeyHash, serialHex, reason: 'superseded', revokedAt: now, notAfter: now + 90 * 86_400_000 });
    }
  });
}
const bytes = (await held()) - before;
const figures = {
  bytes,
  fillMs,
  missNoneNanos: await lookNanos(none, unknown),
  missNanos: await lookNanos(index, unknown),
  hitNanos: await lookNanos(index, known),
};

// The state that a gateway keeps: the authority's signed snapshot, read back, checked and taken in.
const gateway = await issuing.issue('gateway', { profile: 'gateway' });
const store = (): StateStore =>
  new StateStore({
    folder,
    anchors: [anchorOf(root.certificate)],
    crypto: nodeCrypto,
    sealer: () => ({ key: gateway.key.privateKey, chain: gateway.chain }),
  });
await save();
const feed = newFeed();
const begun = performance.now();
const loadMs = await cpuMs(async () => {
  const { loaded, problems } = await store().load(feed, now);
  if (!loaded || problems.length > 0 || feed.size !== count) throw new Error(`not loaded: ${problems.join()}`);
});
process.send?.({ ...figures, loadMs, loadClockMs: performance.now() - begun } satisfies IndexFigures);

async function save(): Promise<void> {
  const first = newFeed();
  const revocations = Array.from(index.entries(), ({ serialHex }) => revocation(serialHex));
  const signed = snapshot({ revocations });
  first.apply(signed, now);
  await store().saveSnapshot(signed, first, now);
}

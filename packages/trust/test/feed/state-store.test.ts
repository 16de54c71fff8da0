import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { createRoot, temporaryFolder } from '@countersign/testkit';
import type { TestCertificate } from '@countersign/testkit';

import { anchorOf, nodeCrypto, StateStore, TrustError } from '../../src/index.ts';
import type { FeedChange, FeedState, LoadedState } from '../../src/index.ts';
import { DAY, epoch, issuing, laterEpoch, newFeed, now, reasonOf, revocation, root, snapshot } from './fixture.ts';

const gateway = await issuing.issue('gateway', { profile: 'gateway' });
const HOUR = 3_600_000;

function storeIn(folder: string, sealer: TestCertificate = gateway): StateStore {
  return new StateStore({
    folder,
    anchors: [anchorOf(root.certificate)],
    crypto: nodeCrypto,
    sealer: () => ({ key: sealer.key.privateKey, chain: sealer.chain }),
  });
}

async function load(
  folder: string,
  at = now + 2 * HOUR,
): Promise<LoadedState & { feed: FeedState; store: StateStore }> {
  const feed = newFeed();
  const store = storeIn(folder);
  return { ...(await store.load(feed, at)), feed, store };
}

const revoke = (seq: number, serial: string): FeedChange => ({
  type: 'revoked',
  cursor: `${epoch}:${seq}`,
  ...revocation(serial),
});
const release = (seq: number, serial: string): FeedChange => ({
  type: 'released',
  cursor: `${epoch}:${seq}`,
  ...revocation(serial),
});

/** A folder with a snapshot that has 0a, and changes that revoke 0b and 0c and release 0c. */
async function stored(folder: string, sealer?: TestCertificate): Promise<void> {
  const feed = newFeed();
  const store = storeIn(folder, sealer);
  const first = snapshot({ revocations: [revocation('0a')] });
  feed.apply(first, now);
  await store.saveSnapshot(first, feed, now);
  for (const change of [revoke(11, '0b'), revoke(12, '0c'), release(13, '0c')]) {
    feed.apply(change, now);
    await store.saveChanges([change], feed, now);
  }
  await store.saveChanges([], feed, now + HOUR);
}

function changesFile(folder: string): Promise<string> {
  return readdir(folder).then((names) => join(folder, names.find((name) => name.startsWith('changes-')) ?? ''));
}

describe('the stored state', () => {
  test('comes back with its cursor, its revocations and the time at which it was fresh', async () => {
    using folder = temporaryFolder();
    await stored(folder.in('state'));
    const { loaded, problems, feed } = await load(folder.in('state'));
    assert.deepEqual(problems, []);
    assert.equal(loaded, true);
    assert.equal(feed.cursor, `${epoch}:13`);
    assert.equal(feed.freshAt, now + HOUR);
    assert.deepEqual(
      ['0a', '0b', '0c'].map((serial) => reasonOf(feed, serial)),
      ['keyCompromise', 'keyCompromise', undefined],
    );
    assert.equal(feed.bundle?.anchors.length, 1);
    assert.equal((await stat(folder.in('state'))).mode & 0o777, 0o700);
  });

  test('is written on where it was left', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const { feed, store } = await load(folder.path);
    feed.apply(revoke(14, '0d'), now);
    await store.saveChanges([revoke(14, '0d')], feed, now + HOUR);
    const again = await load(folder.path);
    assert.deepEqual(again.problems, []);
    assert.equal(again.feed.cursor, `${epoch}:14`);
    assert.equal(reasonOf(again.feed, '0d'), 'keyCompromise');
    const next = snapshot({ seq: 40, revocations: [revocation('0e')] });
    again.feed.apply(next, now);
    await again.store.saveSnapshot(next, again.feed, now + HOUR);
    const last = await load(folder.path);
    assert.deepEqual(last.problems, []);
    assert.equal(last.feed.cursor, `${epoch}:40`);
    assert.equal(last.feed.size, 1);
    assert.equal((await readdir(folder.path)).length, 2, 'the changes before are gone');
  });

  test('keeps the revocations of an earlier epoch', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const { feed, store } = await load(folder.path);
    const next = snapshot({ epoch: laterEpoch, seq: 2 });
    feed.apply(next, now);
    await store.saveSnapshot(next, feed, now + HOUR);
    const again = await load(folder.path);
    assert.equal(again.feed.cursor, `${laterEpoch}:2`);
    assert.equal(reasonOf(again.feed, '0a'), 'keyCompromise');
    assert.equal(reasonOf(again.feed, '0b'), 'keyCompromise');
  });

  test('is nothing where nothing was stored', async () => {
    using folder = temporaryFolder();
    const { loaded, problems, feed } = await load(folder.in('none'));
    assert.equal(loaded, false);
    assert.deepEqual(problems, []);
    assert.deepEqual(feed.coverage(), { kind: 'missing' });
  });

  test('outlives the certificate that sealed it', async () => {
    using folder = temporaryFolder();
    await stored(folder.path, await issuing.issue('gateway', { profile: 'gateway', notAfter: now + 2 * HOUR }));
    const { problems, feed } = await load(folder.path, now + DAY);
    assert.deepEqual(problems, []);
    assert.equal(feed.freshAt, now + HOUR);
  });
});

describe('a stored state that was tampered with', () => {
  test('loses no revocation, and is as old as its snapshot', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const file = await changesFile(folder.path);
    const lines = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, lines.filter((line) => !line.includes(':11')).join('\n'));
    const { loaded, problems, feed } = await load(folder.path);
    assert.equal(loaded, true);
    assert.deepEqual(
      problems.map((problem) => problem.code),
      ['state_malformed'],
    );
    assert.equal(feed.freshAt, now, 'the time of the snapshot');
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise');
    assert.equal(reasonOf(feed, '0c'), 'keyCompromise', 'a release that nobody vouches for counts for nothing');
    assert.equal(feed.cursor, `${epoch}:10`, 'what is missing comes again from the authority');
  });

  test('is not fresher than what a gateway of ours has sealed', async () => {
    const other = await createRoot('Root', { now });
    const sealers = [
      await issuing.issue('client', { profile: 'client' }),
      await other.issue('gateway', { profile: 'gateway' }),
    ];
    for (const sealer of sealers) {
      using folder = temporaryFolder();
      await stored(folder.path, sealer);
      const { problems, feed } = await load(folder.path);
      assert.equal(problems[0]?.code, 'state_malformed');
      assert.equal(feed.freshAt, now);
      assert.equal(reasonOf(feed, '0b'), 'keyCompromise');
    }
  });

  test('is not believed at all without the authority’s signature', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const file = folder.in('snapshot.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"serial":"0a"', '"serial":"ff"'));
    const { loaded, problems, feed } = await load(folder.path);
    assert.equal(loaded, false);
    assert.equal(problems[0]?.code, 'feed_signature_invalid');
    assert.equal(feed.size, 0);
    for (const content of [
      '',
      'null',
      '{',
      '[]',
      '{"type":"snapshot","revocations":[null],"bundle":{},"signature":"x"}',
    ]) {
      await writeFile(file, content);
      const broken = await load(folder.path);
      assert.equal(broken.loaded, false);
      assert.equal(broken.feed.cursor, undefined);
    }
  });

  test('does not mix the seal of one snapshot with another', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const seal = await readFile(folder.in('seal'));
    const { feed, store } = await load(folder.path);
    const next = snapshot({ seq: 50 });
    feed.apply(next, now);
    await store.saveSnapshot(next, feed, now + HOUR);
    await writeFile(folder.in('seal'), seal);
    const { problems } = await load(folder.path);
    assert.equal(problems[0]?.code, 'state_malformed');
  });
});

describe('a crash', () => {
  test('between a change and its seal loses no revocation, at the first restart and the next', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const lines = [revoke(14, '0e'), release(15, '0a')].map((line) => `${JSON.stringify(line)}\n`).join('');
    const nonsense = '{"type":"revoked","issuer":"nobody","serial":"zz","reason":"keyCompromise"}\n{"type":"x"}\n';
    await appendFile(await changesFile(folder.path), `${nonsense}${lines}{"type":"revoked","cur`);
    for (let restart = 0; restart < 2; restart += 1) {
      const { problems, feed } = await load(folder.path);
      assert.deepEqual(problems, []);
      assert.equal(reasonOf(feed, '0e'), 'keyCompromise');
      assert.equal(reasonOf(feed, '0a'), 'keyCompromise', 'a release needs the seal');
      assert.equal(feed.cursor, `${epoch}:13`);
    }
    const { feed, store } = await load(folder.path);
    feed.apply(revoke(14, '0e'), now);
    await store.saveChanges([revoke(14, '0e')], feed, now + HOUR);
    const last = await load(folder.path);
    assert.deepEqual(last.problems, []);
    assert.equal(last.feed.cursor, `${epoch}:14`);
  });

  test('between a snapshot and its seal leaves the snapshot', async () => {
    using folder = temporaryFolder();
    await stored(folder.path);
    const next = snapshot({ seq: 60, revocations: [revocation('0f')] });
    await writeFile(folder.in('snapshot.json'), JSON.stringify(next));
    const { loaded, feed } = await load(folder.path);
    assert.equal(loaded, true);
    assert.equal(feed.cursor, `${epoch}:60`);
    assert.equal(feed.freshAt, next.issuedAt);
  });
});

test('calls that overlap are carried out in their order', async () => {
  using folder = temporaryFolder();
  const feed = newFeed();
  const store = storeIn(folder.path);
  const first = snapshot();
  feed.apply(first, now);
  const saves = [store.saveSnapshot(first, feed, now)];
  for (let seq = 11; seq < 31; seq += 1) {
    const change = revoke(seq, seq.toString(16));
    feed.apply(change, now);
    saves.push(store.saveChanges([change], feed, now));
  }
  await Promise.all(saves);
  const { problems, feed: again } = await load(folder.path);
  assert.deepEqual(problems, []);
  assert.equal(again.digest(), feed.digest());
});

test('what could not be written is written with what comes next', async () => {
  using folder = temporaryFolder();
  await writeFile(folder.in('state'), 'a file where the folder should be');
  const store = storeIn(folder.in('state'));
  const feed = newFeed();
  const first = snapshot();
  feed.apply(first, now);
  const isUnwritable = (error: unknown): boolean => error instanceof TrustError && error.code === 'state_unwritable';
  await assert.rejects(store.saveSnapshot(first, feed, now), isUnwritable);
  feed.apply(revoke(11, '0b'), now);
  await assert.rejects(store.saveChanges([revoke(11, '0b')], feed, now), isUnwritable);
  await rm(folder.in('state'));
  feed.apply(revoke(12, '0c'), now);
  await store.saveChanges([revoke(12, '0c')], feed, now);
  const { problems, feed: again } = await load(folder.in('state'));
  assert.deepEqual(problems, []);
  assert.equal(again.cursor, `${epoch}:12`);
  assert.equal(again.digest(), feed.digest());
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { deltaCrlIndicator } from '@countersign/pki';
import { createRoot, temporaryFolder, TEST_TIME } from '@countersign/testkit';

import { anchorOf, CrlSet, CrlStore, CrlWatch, nodeCrypto, TrustError } from '../../src/index.ts';
import type { CrlOffer } from '../../src/index.ts';

const now = TEST_TIME;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const root = await createRoot('Root', { now });
const bad = await root.issue('bad');

function setOver(store: CrlStore): CrlSet {
  const set = new CrlSet({
    name: 'partners',
    crypto: nodeCrypto,
    expected: [],
    onLoaded: (crl, der) => store.keep('partners', crl, der),
  });
  set.setIssuers({ name: 'partners', anchors: [anchorOf(root.certificate)], intermediates: [] });
  return set;
}

const storeIn = (folder: string, problems: TrustError[] = []): CrlStore =>
  new CrlStore(folder, (problem) => problems.push(problem));

function codeOf(offer: () => CrlOffer): string {
  try {
    return offer().kind;
  } catch (error) {
    return error instanceof TrustError ? error.code : String(error);
  }
}

describe('kept CRLs', () => {
  test('T32: outlive a restart: an older list is refused by one who has never seen the newer one come', async () => {
    using folder = temporaryFolder();
    const old = await root.crl({ number: 6 });
    const newer = await root.crl({ number: 7, revoked: [bad] });
    const delta = await root.crl({ number: 9, extensions: [deltaCrlIndicator(7)], revoked: [bad] });
    const store = storeIn(folder.path);
    const before = setOver(store);
    before.offer(newer, 'http://crl.test/', now);
    before.offer(delta, 'http://crl.test/delta', now);
    await store.settled();

    const again = storeIn(folder.path);
    const after = setOver(again);
    const { crls, problems } = await again.load('partners');
    assert.deepEqual(problems, []);
    assert.deepEqual(crls.map(({ source }) => source).toSorted(), ['http://crl.test/', 'http://crl.test/delta']);
    for (const { source, der } of crls) after.offer(der, source, now);
    assert.equal(after.loaded.length, 2);
    assert.equal(
      codeOf(() => after.offer(old, 'http://crl.test/', now)),
      'crl_rollback',
    );
    const oldDelta = await root.crl({ number: 8, extensions: [deltaCrlIndicator(7)] });
    assert.equal(
      codeOf(() => after.offer(oldDelta, 'http://crl.test/delta', now)),
      'crl_rollback',
    );
  });

  test('the next takes the place of the one before; bundles are apart; nobody else can read them', async () => {
    using folder = temporaryFolder();
    const store = storeIn(folder.path);
    const set = setOver(store);
    for (const number of [1, 2, 3]) set.offer(await root.crl({ number }), 'list', now);
    await store.settled();
    const [name = ''] = readdirSync(folder.in('partners'));
    assert.equal(readdirSync(folder.in('partners')).length, 1);
    assert.equal(statSync(folder.in('partners')).mode & 0o777, 0o700);
    assert.equal(statSync(folder.in('partners', name)).mode & 0o777, 0o600);
    assert.deepEqual(await store.load('others'), { crls: [], problems: [] });
  });

  test('what is broken on disk is told, and is no list', async () => {
    using folder = temporaryFolder();
    const store = storeIn(folder.path);
    const set = setOver(store);
    set.offer(await root.crl(), 'list', now);
    await store.settled();
    const [name = ''] = readdirSync(folder.in('partners'));
    const whole = readFileSync(folder.in('partners', name));
    truncateSync(folder.in('partners', name), whole.length - 20);
    const { crls } = await store.load('partners');
    assert.equal(
      codeOf(() => setOver(store).offer(crls[0]?.der ?? new Uint8Array(), 'list', now)),
      'crl_malformed',
    );
    for (const content of ['', 'no header', '{"source":7}\n']) {
      writeFileSync(folder.in('partners', name), content);
      const { problems, crls: none } = await store.load('partners');
      assert.deepEqual([problems.length, problems[0]?.code, none.length], [1, 'state_malformed', 0], content);
    }
  });

  test('what cannot be written is told, and is written with the next', async () => {
    using folder = temporaryFolder();
    const problems: TrustError[] = [];
    writeFileSync(folder.in('crls'), 'no folder');
    const store = storeIn(folder.in('crls'), problems);
    const set = setOver(store);
    set.offer(await root.crl(), 'list', now);
    await store.settled();
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['state_unwritable'],
    );
    using elsewhere = temporaryFolder();
    renameSync(folder.in('crls'), elsewhere.in('gone'));
    const other = await createRoot('Other', { now });
    const otherSet = new CrlSet({
      name: 'others',
      crypto: nodeCrypto,
      expected: [],
      onLoaded: (crl, der) => store.keep('others', crl, der),
    });
    otherSet.setIssuers({ name: 'others', anchors: [anchorOf(other.certificate)], intermediates: [] });
    otherSet.offer(await other.crl(), 'list', now);
    await store.settled();
    assert.equal((await store.load('partners')).crls.length, 1);
    assert.equal((await store.load('others')).crls.length, 1);
  });
});

describe('the alarm before a CRL ends', () => {
  const loadedUntil = async (nextUpdate: number, number = 1) => {
    const set = new CrlSet({ name: 'partners', crypto: nodeCrypto, expected: [] });
    set.setIssuers({ name: 'partners', anchors: [anchorOf(root.certificate)], intermediates: [] });
    set.offer(await root.crl({ number, thisUpdate: now, nextUpdate }), 'list', now);
    return set.loaded;
  };
  const kinds = (alarms: ReturnType<CrlWatch['look']>): string[] => alarms.map(({ kind }) => kind);

  test('comes when a quarter of its life is left, once, again at its end, and the next list ends it', async () => {
    const week = await loadedUntil(now + 8 * DAY);
    const watch = new CrlWatch();
    assert.deepEqual(kinds(watch.look(week, now + 6 * DAY - 1)), []);
    assert.deepEqual(kinds(watch.look(week, now + 6 * DAY)), ['ending']);
    assert.deepEqual(kinds(watch.look(week, now + 7 * DAY)), []);
    assert.deepEqual(kinds(watch.look(week, now + 8 * DAY + 1)), ['ended']);
    assert.deepEqual(kinds(watch.look(week, now + 9 * DAY)), []);
    assert.deepEqual(kinds(watch.look(await loadedUntil(now + 20 * DAY, 2), now + 9 * DAY)), ['renewed']);
  });

  test('comes 30 days before the end of a list that lives for years, or as the configuration says', async () => {
    const year = await loadedUntil(now + 365 * DAY);
    assert.deepEqual(kinds(new CrlWatch().look(year, now + 334 * DAY)), []);
    assert.deepEqual(kinds(new CrlWatch().look(year, now + 335 * DAY)), ['ending']);
    assert.deepEqual(kinds(new CrlWatch(HOUR).look(year, now + 365 * DAY - HOUR)), ['ending']);
    assert.deepEqual(kinds(new CrlWatch(HOUR).look(year, now + 365 * DAY - HOUR - 1)), []);
  });
});

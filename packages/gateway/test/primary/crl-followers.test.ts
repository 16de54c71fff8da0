import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRoot, serveHttp, temporaryFolder, type TestCa, testClock } from '@countersign/testkit';
import { CrlFollowers, CrlStore, type TrustUpdate } from '@countersign/trust';
import { compileConfig } from '../../src/config/compile.ts';

const DAY = 86_400_000;
const clock = testClock();
const root = await createRoot('Clients', { now: clock.now() });

interface Heard {
  readonly info: string[];
  readonly warn: string[];
  readonly shout: string[];
  readonly updates: TrustUpdate[];
}

function followers(state?: string): { followers: CrlFollowers; heard: Heard; store: CrlStore | undefined } {
  const heard: Heard = { info: [], warn: [], shout: [], updates: [] };
  const store = state === undefined ? undefined : new CrlStore(state, (error) => heard.shout.push(error.message));
  const made = new CrlFollowers({
    now: clock.now,
    random: () => 0.5,
    store,
    onCrl: (update) => heard.updates.push(update),
    info: (message) => heard.info.push(message),
    warn: (message) => heard.warn.push(message),
    shout: (message) => heard.shout.push(message),
  });
  return { followers: made, heard, store };
}

/** The configuration of one bundle with these CRLs. */
function bundlesOf(folder: string, ca: TestCa, crls: readonly object[]) {
  writeFileSync(`${folder}/clients.pem`, ca.pem);
  const host = {
    names: ['a.test'],
    certificate: { files: { cert: 'c', key: 'k' } },
    trust: ['clients'],
    upstream: 'http://127.0.0.1:1',
  };
  const config = compileConfig(
    {
      listeners: [{ listen: '127.0.0.1:0', hosts: [host] }],
      bundles: { clients: { files: ['clients.pem'], crls } },
    },
    folder,
  );
  const files = [{ source: 'clients.pem', bytes: Buffer.from(ca.pem), anchorsOnly: false }];
  return {
    bundles: [...config.bundles.values()],
    updates: [{ kind: 'bundle', name: 'clients', files, signers: [] }] as const,
  };
}

test('the alarm is raised long before a CRL lapses, by log and metric, and again when it has', async () => {
  using folder = temporaryFolder();
  const list = { thisUpdate: clock.now(), nextUpdate: clock.now() + 8 * DAY };
  writeFileSync(folder.in('clients.crl'), await root.crl(list));
  const { bundles, updates } = bundlesOf(folder.path, root, [{ file: 'clients.crl' }]);
  const { followers: following, heard } = followers();
  await following.start(bundles, updates);
  try {
    assert.deepEqual([heard.warn, heard.shout], [[], []]);
    assert.equal(following.facts()[0]?.isEnding, false);
    clock.advance(6 * DAY);
    following.look();
    following.look();
    assert.equal(heard.warn.length, 1);
    assert.match(heard.warn[0] ?? '', /clients\.crl ends at .* successor has not come/u);
    assert.equal(following.facts()[0]?.isEnding, true);
    clock.advance(2 * DAY + 1000);
    following.look();
    assert.match(heard.shout[0] ?? '', /has ended at/u);
  } finally {
    following.stop();
  }
});

test('T32: what was in use before a restart is in use again at once, and an older list is refused', async () => {
  using folder = temporaryFolder();
  const bad = await root.issue('bad');
  const lifetime = { thisUpdate: clock.now() - 1000, nextUpdate: clock.now() + DAY };
  const [old, newer] = [
    await root.crl({ ...lifetime, number: 6 }),
    await root.crl({ ...lifetime, number: 7, revoked: [bad] }),
  ];
  let served = newer;
  await using server = await serveHttp((_request, response) => response.end(served));
  const { bundles, updates } = bundlesOf(folder.path, root, [{ url: server.url }]);
  const first = followers(folder.in('state'));
  await first.followers.start(bundles, updates);
  first.followers.stop();
  await first.store?.settled();
  assert.deepEqual(first.heard.shout, []);

  served = old;
  const second = followers(folder.in('state'));
  await second.followers.start(bundles, updates);
  second.followers.stop();
  assert.match(second.heard.shout.join(), /number 6 .* although number 7/u);
  assert.deepEqual(
    second.heard.updates.map((update) => (update.kind === 'crl' ? Buffer.from(update.der).equals(newer) : false)),
    [true],
  );
  assert.deepEqual(second.followers.sources(), [{ bundle: 'clients', source: server.url, up: false, failures: 1 }]);
  assert.deepEqual(
    second.followers.facts().map(({ entries, kind }) => [entries, kind]),
    [[1, 'complete']],
  );
});

test('the list of a CA that a worker has verified is taken in and kept, the one of a stranger is not', async () => {
  using folder = temporaryFolder();
  const middle = await root.issueCa('Middle');
  const low = await middle.issueCa('Low');
  const stranger = await (await createRoot('Stranger', { now: clock.now() })).issueCa('Odd');
  const lifetime = { thisUpdate: clock.now() - 1000, nextUpdate: clock.now() + DAY };
  writeFileSync(folder.in('low.crl'), await low.crl(lifetime));
  writeFileSync(folder.in('odd.crl'), await stranger.crl(lifetime));
  const { bundles, updates } = bundlesOf(folder.path, root, [{ file: 'low.crl' }, { file: 'odd.crl' }]);
  const { followers: following, heard } = followers(folder.in('state'));
  await following.start(bundles, updates);
  try {
    assert.equal(heard.updates.length, 2, 'workers may know more');
    assert.deepEqual(following.facts(), []);
    // From the leaf upwards, as a chain comes.
    following.learn([low.der]);
    assert.deepEqual(following.facts(), []);
    following.learn([stranger.der, middle.der]);
    assert.deepEqual(
      following.facts().map(({ source }) => source),
      [folder.in('low.crl')],
    );
    following.setBundle(updates[0]);
    assert.equal(following.facts().length, 1);
  } finally {
    following.stop();
  }
});

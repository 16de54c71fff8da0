// Delta CRLs that nobody configured: a verified complete list names them (freshestCRL, RFC 5280 section 5.2.6).
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { crlDistributionPoints, deltaCrlIndicator, freshestCrl } from '@countersign/pki';
import { createRoot, eventually, serveHttp, temporaryFolder, testClock } from '@countersign/testkit';
import { CrlFollowers, CrlStore, type TrustUpdate } from '@countersign/trust';
import { compileConfig } from '../../src/config/compile.ts';

const DAY = 86_400_000;
const clock = testClock();
const root = await createRoot('Clients', { now: clock.now() });
const [good, bad] = [await root.issue('good'), await root.issue('bad')];
const lifetime = { thisUpdate: clock.now() - 1000, nextUpdate: clock.now() + DAY };

/** One bundle's CRLs, followed by a gateway's primary. */
async function following(crls: readonly object[], more: object = {}, state?: string) {
  const folder = temporaryFolder();
  writeFileSync(folder.in('clients.pem'), root.pem);
  const host = { names: ['a.test'], certificate: { files: { cert: 'c', key: 'k' } }, trust: ['clients'] };
  const revocation = { use: 'crl', ...(crls.length > 0 ? { crls } : {}), ...more };
  const { bundles } = compileConfig(
    {
      listeners: [{ listen: '127.0.0.1:0', hosts: [{ ...host, upstream: 'http://127.0.0.1:1' }] }],
      bundles: { clients: { files: ['clients.pem'], revocation } },
    },
    folder.path,
  );
  const heard = { warn: [] as string[], shout: [] as string[], updates: [] as TrustUpdate[] };
  const store = state === undefined ? undefined : new CrlStore(state, (error) => heard.shout.push(error.message));
  const followers = new CrlFollowers({
    now: clock.now,
    random: () => 0.5,
    store,
    onCrl: (update) => heard.updates.push(update),
    info: () => undefined,
    warn: (message) => heard.warn.push(message),
    shout: (message) => heard.shout.push(message),
  });
  const files = [{ source: 'clients.pem', bytes: Buffer.from(root.pem), anchorsOnly: false }];
  await followers.start([...bundles.values()], [{ kind: 'bundle', name: 'clients', files, signers: [] }]);
  return {
    heard,
    followers,
    status: (of = bad) => followers.statusOf('clients', of.certificate, root.certificate),
    kinds: () => followers.facts().map(({ kind }) => kind),
    async [Symbol.asyncDispose]() {
      followers.stop();
      await store?.settled();
      folder[Symbol.dispose]();
    },
  };
}

const complete = (url: string, number = 5) => root.crl({ ...lifetime, number, extensions: [freshestCrl([url])] });
const delta = (number = 6, base = 5) =>
  root.crl({ ...lifetime, number, revoked: [bad], extensions: [deltaCrlIndicator(base)] });
const allowed = { allowAddresses: ['127.0.0.1'] };

test('a revocation that only the delta tells of counts, and whoever judges is told the delta too', async () => {
  const news = await delta();
  await using deltas = await serveHttp((_request, response) => response.end(news));
  const list = await complete(deltas.url);
  await using lists = await serveHttp((_request, response) => response.end(list));
  await using one = await following([{ url: lists.url }], allowed);
  assert.deepEqual([one.status(), one.status(good), one.kinds()], ['revoked', 'good', ['complete', 'delta']]);
  assert.deepEqual(
    one.heard.updates.map((update) => (update.kind === 'crl' ? update.source : '')),
    [lists.url, deltas.url],
  );
  assert.deepEqual([one.heard.warn, one.heard.shout], [[], []]);
});

test('T35: it leads to no private address that is not allowed, and the complete list holds on', async () => {
  await using deltas = await serveHttp((_request, response) => response.end());
  const list = await complete(deltas.url);
  await using lists = await serveHttp((_request, response) => response.end(list));
  await using one = await following([{ url: lists.url }]);
  assert.equal(deltas.connections, 0);
  assert.match(one.heard.warn.join(), /loopback address, which is not allowed here; it is a delta/u);
  assert.deepEqual([one.status(good), one.heard.shout], ['good', []]);
});

test('T35: nothing is fetched for a list that is not verified, or that came as a file', async () => {
  await using deltas = await serveHttp((_request, response) => response.end());
  const forged = await root.crl({ ...lifetime, extensions: [freshestCrl([deltas.url])], forgedBy: bad.key.privateKey });
  await using lists = await serveHttp((_request, response) => response.end(forged));
  using folder = temporaryFolder();
  writeFileSync(folder.in('clients.crl'), await complete(deltas.url));
  await using one = await following([{ url: lists.url }], allowed);
  await using other = await following([{ file: folder.in('clients.crl') }], allowed);
  assert.match(one.heard.shout.join(), /signature does not verify/u);
  assert.deepEqual([other.status(good), deltas.connections], ['good', 0]);
});

test('T31, T34: no delta, one of another CA, one that fits no list here, or an error: the complete list holds on', async () => {
  const stranger = await createRoot('Clients', { now: clock.now() });
  const answers = {
    'a page': Buffer.from('<!doctype html>'),
    'another CA’s': await stranger.crl({ ...lifetime, number: 6, revoked: [good], extensions: [deltaCrlIndicator(5)] }),
    'for a later list': await delta(9, 8),
    nothing: undefined,
  };
  for (const [name, answer] of Object.entries(answers)) {
    await using deltas = await serveHttp((_request, response) => {
      if (answer === undefined) response.statusCode = 503;
      response.end(answer);
    });
    const list = await complete(deltas.url);
    await using lists = await serveHttp((_request, response) => response.end(list));
    await using one = await following([{ url: lists.url }], allowed);
    assert.deepEqual([one.status(good), one.kinds(), one.heard.shout], ['good', ['complete'], []], name);
    assert.equal(one.heard.warn.length, name === 'for a later list' ? 0 : 1, name);
  }
});

test('a start waits for a delta that does not come no longer than a connection would', async () => {
  await using deltas = await serveHttp(() => undefined);
  const list = await complete(deltas.url);
  await using lists = await serveHttp((_request, response) => response.end(list));
  await using one = await following([{ url: lists.url }], { ...allowed, wait: '50ms' });
  assert.deepEqual([deltas.seen.length, one.status(good)], [1, 'good']);
});

test('T32: what a found delta has told is known again after a restart, though it cannot be fetched', async () => {
  using state = temporaryFolder();
  const news = await delta();
  let status = 200;
  await using deltas = await serveHttp((_request, response) => {
    response.statusCode = status;
    response.end(news);
  });
  const list = await complete(deltas.url);
  await using lists = await serveHttp((_request, response) => response.end(list));
  {
    await using one = await following([{ url: lists.url }], allowed, state.path);
    assert.equal(one.status(), 'revoked');
  }
  status = 503;
  await using again = await following([{ url: lists.url }], allowed, state.path);
  assert.deepEqual([again.status(), again.kinds()], ['revoked', ['complete', 'delta']]);
});

test('a list that names another place is followed there, and the old one is left', async () => {
  const news = await delta();
  await using first = await serveHttp((_request, response) => response.end(news));
  await using second = await serveHttp((_request, response) => response.end(news));
  let list = await complete(first.url);
  await using lists = await serveHttp((_request, response) => response.end(list));
  await using one = await following([{ url: lists.url, every: '1s' }], allowed);
  list = await complete(second.url, 6);
  const followed = () => one.followers.sources().map(({ source }) => source);
  assert.deepEqual(followed(), [lists.url, first.url]);
  await eventually('the other place is followed', 30_000, () => followed().includes(second.url));
  assert.deepEqual(followed(), [lists.url, second.url]);
});

test('certificates of a trusted chain name deltas too (section 4.2.1.15), where what they name is followed', async () => {
  const news = await delta();
  await using deltas = await serveHttp((_request, response) => response.end(news));
  const list = await root.crl({ ...lifetime, number: 5 });
  await using lists = await serveHttp((_request, response) => response.end(list));
  const extensions = [crlDistributionPoints([lists.url]), freshestCrl([deltas.url])];
  const client = await root.issue('client', { extensions });
  await using one = await following([], { ...allowed, distributionPoints: true });
  await one.followers.find('clients', client.certificate, root.certificate);
  assert.deepEqual([one.status(), one.status(client)], ['revoked', 'good']);
});

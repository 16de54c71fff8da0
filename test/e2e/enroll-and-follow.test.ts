// The SDK and trust against a real authority, over real sockets: what a gateway or an application does with both.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, request as plain } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { get as secureGet } from 'node:https';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';

import { initAuthority, startAuthority } from '@countersign/authority';
import type { RunningAuthority } from '@countersign/authority';
import { feedEventSchema } from '@countersign/protocol';
import { enroll, Identity, loadIdentity, renewFiles, SdkError } from '@countersign/sdk';
import type { Material } from '@countersign/sdk';
import { temporaryFolder } from '@countersign/testkit';
import {
  anchorOf,
  CrlSet,
  FeedState,
  judge,
  LiveRegister,
  nodeCrypto,
  StateStore,
  TrustState,
} from '@countersign/trust';
import type { Bundle, FeedEvent, Verdict } from '@countersign/trust';

const folder = temporaryFolder();
const passphrase = 'a passphrase for this test alone';
let authority: RunningAuthority;

before(async () => {
  const rootPassphrase = 'another one';
  await initAuthority(folder.in('data'), { passphrase, rootPassphrase });
  authority = await startAuthority({
    dataDir: folder.in('data'),
    passphrase,
    listen: '127.0.0.1:0',
    http: '127.0.0.1:0',
    logLevel: 'silent',
  });
});

after(async () => {
  await authority.close();
  folder[Symbol.dispose]();
});

async function admin<Answer>(path: string, body: unknown): Promise<Answer> {
  const payload = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
  const call = plain({ socketPath: authority.listen.admin, path, method: 'POST', headers });
  call.end(payload);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const chunks: Uint8Array[] = [];
  for await (const chunk of response as AsyncIterable<Uint8Array>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  assert.equal(response.statusCode, 200, text);
  return JSON.parse(text) as Answer;
}

async function enrolled(name: string, profile: string): Promise<Material> {
  const { token } = await admin<{ token: string }>('/v1/tokens', { name, profile, sans: [] });
  return enroll({ token, files: filesOf(name) });
}

function filesOf(name: string): { cert: string; key: string; ca: string } {
  return { cert: folder.in(`${name}.crt`), key: folder.in(`${name}.key`), ca: folder.in(`${name}-ca.crt`) };
}

/** The lines of the feed, from a cursor on, as they come. */
async function follow(identity: Identity, cursor?: string): Promise<AsyncDisposable & { next(): Promise<FeedEvent> }> {
  const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
  const call = secureGet(`https://${authority.listen.authority}/v1/feed${query}`, { agent: identity.agent });
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  const lines = createInterface({ input: response })[Symbol.asyncIterator]();
  return {
    async next() {
      const { value, done } = await lines.next();
      assert.notEqual(done, true);
      return feedEventSchema.parse(JSON.parse(String(value)));
    },
    [Symbol.asyncDispose]() {
      call.destroy();
      return Promise.resolve();
    },
  };
}

function judged(state: TrustState, who: Material): Verdict {
  const presented = who.chain.map((certificate) => certificate.der);
  return judge({ presented, resumed: false }, { id: 'p', bundles: ['own'] }, state, Date.now());
}

describe('with a real authority', () => {
  test('an identity is enrolled, used and renewed in place; its token works once', async () => {
    const { token } = await admin<{ token: string }>('/v1/tokens', { name: 'app', profile: 'client', sans: [] });
    const first = await enroll({ token, files: filesOf('app') });
    assert.equal(first.leaf.profile, 'client');
    await assert.rejects(
      enroll({ token }),
      (error) => error instanceof SdkError && error.problem?.code === 'token_used',
    );
    const next = await renewFiles(filesOf('app'), { url: `https://${authority.listen.authority}` });
    assert.notDeepEqual(next.leaf.spki.der, first.leaf.spki.der);
    assert.deepEqual((await loadIdentity(filesOf('app'))).leaf.der, next.leaf.der);
  });

  test('the feed’s revocation ends the live connection, refuses the next, outlasts a restart, and forbids renewal', async () => {
    const client = await enrolled('victim', 'client');
    const gateway = new Identity(await enrolled('front', 'gateway'));
    const anchors = gateway.material.roots.map(anchorOf);
    const feed = new FeedState({ anchors, crypto: nodeCrypto });
    const store = new StateStore({
      folder: folder.in('state'),
      anchors,
      crypto: nodeCrypto,
      sealer: () => ({ key: gateway.material.key, chain: gateway.material.chain.map(({ der }) => der) }),
    });
    const state = new TrustState();
    const register = new LiveRegister({ rules: state, now: Date.now });
    await using lines = await follow(gateway);

    const snapshot = await lines.next();
    const applied = feed.apply(snapshot, Date.now());
    assert.ok(applied.ok && snapshot.type === 'snapshot' && applied.bundle !== undefined);
    await store.saveSnapshot(snapshot, feed, Date.now());
    state.setBundle(applied.bundle, feed);
    const verdict = judged(state, client);
    assert.ok(verdict.ok);
    assert.equal(verdict.identity.profile, 'client');
    const ends: string[] = [];
    assert.ok(register.add(verdict, 'p', (reason) => ends.push(reason)).ok);

    const revoking = admin<{ revoked: unknown[] }>('/v1/revocations', { name: 'victim', reason: 'keyCompromise' });
    for (;;) {
      const line = await lines.next();
      const outcome = feed.apply(line, Date.now());
      assert.ok(outcome.ok);
      for (const key of outcome.revoked) register.revoked(key.issuerKeyHash, key.serialHex);
      if (line.type !== 'revoked') continue;
      await store.saveChanges([line], feed, Date.now());
      break;
    }
    assert.deepEqual(ends, ['revoked']);
    const refused = judged(state, client);
    assert.equal(!refused.ok && refused.code, 'revoked');
    assert.equal((await revoking).revoked.length, 1);

    const again = new FeedState({ anchors, crypto: nodeCrypto });
    const { loaded, problems } = await store.load(again, Date.now());
    assert.deepEqual([loaded, problems], [true, []]);
    assert.equal(again.digest(), feed.digest());
    assert.equal(again.cursor, feed.cursor);

    await assert.rejects(renewFiles(filesOf('victim'), { url: `https://${authority.listen.authority}` }), SdkError);
    gateway.close();
  });

  test('its CRLs are ones that trust takes for a foreign CA’s', async () => {
    const client = await enrolled('foreign', 'client');
    const [leaf, issuing] = client.chain;
    const urls = [leaf, issuing].flatMap(
      (certificate) =>
        certificate?.crlDistributionPoints?.flatMap(({ name }) =>
          (name?.fullName ?? []).flatMap((general) => (general.type === 'uri' ? [general.value] : [])),
        ) ?? [],
    );
    assert.equal(urls.length, 2);
    const bundle: Bundle = { name: 'own', anchors: client.roots.map(anchorOf), intermediates: client.chain.slice(1) };
    const crls = new CrlSet({ name: 'own', crypto: nodeCrypto, expected: urls });
    crls.setIssuers(bundle);
    const state = new TrustState();
    state.setBundle(bundle, crls);
    const before = judged(state, client);
    assert.equal(!before.ok && before.code, 'revocation_stale');
    for (const url of urls) {
      // The certificates name the port that init was told; here the listener has another.
      const { pathname } = new URL(url);
      const [response] = (await once(get(`http://${authority.listen.http}${pathname}`), 'response')) as [
        IncomingMessage,
      ];
      const chunks: Uint8Array[] = [];
      for await (const chunk of response as AsyncIterable<Uint8Array>) chunks.push(chunk);
      assert.equal(crls.offer(Buffer.concat(chunks), url, Date.now()).kind, 'loaded');
    }
    const verdict = judged(state, client);
    assert.ok(verdict.ok);
    assert.equal(verdict.identity.profile, undefined, 'a bundle from files is not our own authority');
  });
});

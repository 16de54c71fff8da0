import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { createRoot } from '@countersign/testkit';
import * as fc from 'fast-check';

import { RevocationIndex } from '../../src/index.ts';
import type { FeedChange, FeedEvent, FeedSnapshot } from '../../src/index.ts';
import {
  DAY,
  epoch,
  feedBundle,
  issuing,
  laterEpoch,
  newFeed,
  now,
  outcomeOf,
  reasonOf,
  revocation,
  root,
  rootHash,
  snapshot,
} from './fixture.ts';

const revoked = (seq: number, serial: string, changes = {}): FeedChange => ({
  type: 'revoked',
  cursor: `${epoch}:${seq}`,
  ...revocation(serial, changes),
});
const released = (seq: number, serial: string): FeedChange => ({
  type: 'released',
  cursor: `${epoch}:${seq}`,
  ...revocation(serial),
});

describe('a snapshot', () => {
  test('is taken in when an issuing CA of the authority has signed it', () => {
    const feed = newFeed();
    assert.deepEqual(feed.coverage(), { kind: 'missing' });
    const outcome = feed.apply(snapshot({ revocations: [revocation('0a')] }), now);
    assert.ok(outcome.ok);
    assert.equal(outcome.replaced, true);
    assert.equal(outcome.bundle?.own, true);
    assert.deepEqual(
      outcome.bundle.intermediates.map((certificate) => certificate.der),
      [issuing.der],
    );
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise');
    assert.equal(feed.cursor, `${epoch}:10`);
    assert.deepEqual(feed.coverage(), { kind: 'loaded', freshUntil: now });
  });

  test('counts only with a good signature over exactly itself', async () => {
    const good = snapshot({ revocations: [revocation('0a'), revocation('0b')] });
    const other = await createRoot('Root', { now });
    const otherIssuing = await other.issueCa('Issuing');
    const expired = await root.issueCa('Old', { notBefore: now - 9 * DAY, notAfter: now - DAY });
    const [header = '', payload = '', signature = ''] = good.signature.split('.');
    const none = Buffer.from(header, 'base64url').toString('utf8').replace('ES256', 'none');
    const critical = Buffer.from(header, 'base64url').toString('utf8').replace('{', '{"crit":["b64"],"b64":false,');
    const lies: Record<string, FeedSnapshot> = {
      'a revocation left out': { ...good, revocations: good.revocations.slice(1) },
      'a reason changed': { ...good, revocations: [revocation('0a', { reason: 'superseded' }), revocation('0b')] },
      'another bundle': { ...good, bundle: feedBundle([root, other]) },
      'another sequence': { ...good, seq: 11, cursor: `${epoch}:11` },
      'another epoch': { ...good, epoch: laterEpoch },
      'another time': { ...good, issuedAt: now + DAY },
      'the signature of another snapshot': { ...good, signature: snapshot().signature },
      'a signature of another kind': snapshot({}, issuing, 'countersign-state'),
      'a leaf of ours': snapshot({}, await issuing.issue('gateway', { profile: 'gateway', usages: null })),
      'a stranger with the same names': snapshot({}, otherIssuing),
      'a CA that has expired': snapshot({}, expired),
      'no signature': { ...good, signature: '' },
      'half a signature': { ...good, signature: good.signature.slice(0, -20) },
      'algorithm none': { ...good, signature: `${Buffer.from(none).toString('base64url')}.${payload}.` },
      'a critical header': {
        ...good,
        signature: `${Buffer.from(critical).toString('base64url')}.${payload}.${signature}`,
      },
      'a CA that it says is revoked': snapshot({
        revocations: [revocation(issuing.certificate.serialHex, { issuer: rootHash })],
      }),
    };
    for (const [what, lie] of Object.entries(lies)) {
      const feed = newFeed();
      assert.equal(outcomeOf(feed.apply(lie, now)), 'feed_signature_invalid', what);
      assert.equal(feed.cursor, undefined, what);
      assert.equal(feed.size, 0, what);
    }
  });

  test('never takes the state back', () => {
    const feed = newFeed();
    feed.apply(snapshot({ seq: 20, revocations: [revocation('0a')] }), now);
    assert.equal(outcomeOf(feed.apply(snapshot({ seq: 19 }), now)), 'feed_rollback');
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise');
    assert.equal(feed.cursor, `${epoch}:20`);
  });

  test('of the same epoch ends what was released meanwhile', () => {
    const feed = newFeed();
    feed.apply(snapshot({ revocations: [revocation('0a', { reason: 'certificateHold', hold: true })] }), now);
    feed.apply(snapshot({ seq: 30 }), now);
    assert.equal(reasonOf(feed, '0a'), undefined);
  });

  test('of another epoch drops no revocation that was known, and raises an alarm', () => {
    const feed = newFeed();
    feed.apply(snapshot({ seq: 500, revocations: [revocation('0a'), revocation('0b')] }), now);
    const outcome = feed.apply(snapshot({ epoch: laterEpoch, seq: 3, revocations: [revocation('0b')] }), now);
    assert.ok(outcome.ok);
    assert.equal(outcome.alarms[0]?.code, 'feed_epoch_changed');
    assert.match(outcome.alarms[0].detail, /\b1 revocations? that it does not know/);
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise');
    assert.equal(feed.size, 2);
    const again = feed.apply(snapshot({ epoch: laterEpoch, seq: 4 }), now);
    assert.ok(again.ok && again.alarms.length === 0);
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise', 'kept over later snapshots');
    const release: FeedChange = { type: 'released', cursor: `${laterEpoch}:5`, ...revocation('0a') };
    assert.equal(outcomeOf(feed.apply(release, now)), 'applied');
    assert.equal(reasonOf(feed, '0a'), undefined);
  });

  test('may bring a new root, which then vouches for later ones', async () => {
    const next = await createRoot('Next', { now });
    const nextIssuing = await next.issueCa('Next issuing');
    const feed = newFeed();
    assert.equal(outcomeOf(feed.apply(snapshot({}, nextIssuing), now)), 'feed_signature_invalid');
    feed.apply(snapshot({ bundle: feedBundle([root, next], [issuing, nextIssuing]) }), now);
    assert.equal(outcomeOf(feed.apply(snapshot({ seq: 11 }, nextIssuing), now)), 'applied');
  });
});

describe('changes', () => {
  test('revoke, release and move the cursor', () => {
    const feed = newFeed();
    feed.apply(snapshot(), now);
    const outcome = feed.apply(revoked(11, '0a', { reason: 'certificateHold', hold: true }), now);
    assert.ok(outcome.ok);
    assert.equal(outcome.revoked[0]?.serialHex, '0a');
    assert.equal(reasonOf(feed, '0a'), 'certificateHold');
    feed.apply(released(14, '0a'), now);
    assert.equal(reasonOf(feed, '0a'), undefined);
    assert.equal(feed.cursor, `${epoch}:14`);
  });

  test('that come again are not applied again', () => {
    const feed = newFeed();
    feed.apply(snapshot(), now);
    const lines = [revoked(11, '0a'), released(12, '0a'), revoked(13, '0a')];
    for (const line of lines) feed.apply(line, now);
    for (const line of lines) assert.equal(outcomeOf(feed.apply(line, now)), 'applied');
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise', 'the old release did not undo the later revocation');
  });

  test('of another history, or without one, ask for a snapshot', () => {
    const feed = newFeed();
    assert.equal(outcomeOf(feed.apply(revoked(1, '0a'), now)), 'feed_malformed, resync');
    feed.apply(snapshot(), now);
    const foreign = { ...revoked(11, '0a'), cursor: `${laterEpoch}:11` };
    assert.equal(outcomeOf(feed.apply(foreign, now)), 'feed_malformed, resync');
    assert.equal(feed.size, 0);
  });

  test('that cannot be read are refused, and the state goes on', () => {
    const feed = newFeed();
    feed.apply(snapshot({ revocations: [revocation('0a')] }), now);
    const lines: unknown[] = [
      { ...revoked(11, 'not hex') },
      { ...revoked(11, '0b'), issuer: 'nobody' },
      { ...revoked(11, '0b'), cursor: 'nowhere' },
      { ...revoked(11, '0b'), cursor: undefined },
      { type: 'bundle', cursor: `${epoch}:11`, bundle: { anchors: [], intermediates: [], generation: 2 } },
      { type: 'bundle', cursor: `${epoch}:11`, bundle: { anchors: ['x'], intermediates: ['y'], generation: 2 } },
      { type: 'bundle', cursor: `${epoch}:11` },
      { type: 'snapshot' },
      { ...snapshot(), revocations: [null] },
    ];
    for (const line of lines) {
      assert.match(outcomeOf(feed.apply(line as FeedEvent, now)), /^feed_malformed, resync$/);
      assert.equal(feed.cursor, `${epoch}:10`);
    }
    assert.equal(reasonOf(feed, '0a'), 'keyCompromise');
  });

  test('of the bundle bring the new CAs', async () => {
    const feed = newFeed();
    feed.apply(snapshot(), now);
    const next = await root.issueCa('Issuing 2');
    const outcome = feed.apply(
      { type: 'bundle', cursor: `${epoch}:11`, bundle: feedBundle([root], [issuing, next]) },
      now,
    );
    assert.equal(outcome.ok && outcome.bundle?.intermediates.length, 2);
    assert.equal(feed.bundle?.intermediates.length, 2);
  });
});

describe('heartbeats', () => {
  const heartbeat = (seq: number, more = {}): FeedChange => ({
    type: 'heartbeat',
    cursor: `${epoch}:${seq}`,
    at: now,
    ...more,
  });

  test('alone keep the state fresh: a change of the past does not', () => {
    const feed = newFeed();
    feed.apply(snapshot(), now);
    feed.apply(revoked(11, '0a'), now + 60_000);
    assert.equal(feed.freshAt, now);
    feed.apply(heartbeat(11), now + 90_000);
    assert.equal(feed.freshAt, now + 90_000);
  });

  test('that are behind are a rollback', () => {
    const feed = newFeed();
    feed.apply(snapshot({ seq: 20 }), now);
    assert.equal(outcomeOf(feed.apply(heartbeat(19), now)), 'feed_rollback, resync');
    assert.equal(feed.freshAt, now);
  });

  test('with another digest show that something was missed', () => {
    const feed = newFeed();
    feed.apply(snapshot({ revocations: [revocation('0a'), revocation('0b', { notAfter: now - 3 * DAY })] }), now);
    const authority = new RevocationIndex();
    authority.set({ issuerKeyHash: revocation('0a').issuer, serialHex: '0a', reason: 'keyCompromise', revokedAt: now });
    assert.equal(outcomeOf(feed.apply(heartbeat(10, { digest: authority.digest() }), now)), 'applied');
    authority.set({ issuerKeyHash: revocation('0a').issuer, serialHex: '0c', reason: 'superseded', revokedAt: now });
    assert.equal(outcomeOf(feed.apply(heartbeat(10, { digest: authority.digest() }), now)), 'feed_diverged, resync');
  });
});

test('whatever is cut, repeated or resumed on the way, every reader ends with the authority’s index', () => {
  const step = fc.record({
    serial: fc.integer({ min: 1, max: 12 }).map((n) => n.toString(16).padStart(2, '0')),
    revoke: fc.boolean(),
    gap: fc.integer({ min: 1, max: 3 }),
    cut: fc.boolean(),
    snapshotInstead: fc.boolean(),
    repeat: fc.nat(4),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const authority = new RevocationIndex();
      const log: FeedChange[] = [];
      const reader = newFeed();
      const current = (seq: number): FeedSnapshot => {
        const revocations = [...authority.entries()].map(({ serialHex, reason }) => revocation(serialHex, { reason }));
        return snapshot({ seq, revocations });
      };
      let seq = 10;
      reader.apply(current(seq), now);
      for (const { serial, revoke, gap, cut, snapshotInstead, repeat } of steps) {
        seq += gap;
        const line = revoke ? revoked(seq, serial) : released(seq, serial);
        log.push(line);
        if (line.type === 'revoked') {
          const { issuer: issuerKeyHash, reason, revokedAt } = line;
          authority.set({ issuerKeyHash, serialHex: serial, reason, revokedAt });
        } else {
          authority.delete(revocation(serial).issuer, serial);
        }
        if (cut) continue;
        if (snapshotInstead) assert.ok(reader.apply(current(seq), now).ok);
        // A reconnect resends everything behind the cursor, and a sloppy one a little more.
        for (const old of log.slice(-repeat - log.length)) assert.ok(reader.apply(old, now).ok);
      }
      for (const old of log) reader.apply(old, now);
      assert.equal(reader.digest(), authority.digest());
      const heartbeat: FeedChange = {
        type: 'heartbeat',
        cursor: `${epoch}:${seq}`,
        at: now,
        digest: authority.digest(),
      };
      assert.ok(reader.apply(heartbeat, now).ok);
    }),
    { numRuns: 40 },
  );
});

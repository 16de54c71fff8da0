import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorOf,
  FeedLedger,
  type FeedSnapshot,
  keyHash,
  nodeCrypto,
  signJws,
  SNAPSHOT_TYP,
  snapshotDigest,
  LiveTrust,
} from '@countersign/trust';
import { createRoot } from '@countersign/testkit';

const root = await createRoot('Root');
const issuing = await root.issueCa('Issuing', { pathLen: 0 });
const issuer = keyHash(issuing.certificate.spki);
const now = Date.now();
const [first, second] = ['00'.repeat(8), '01'.repeat(8)];

function revocation(serial: string) {
  return { issuer, serial, reason: 'keyCompromise' as const, revokedAt: now, notAfter: now + 86_400_000 };
}

function snapshot(epoch: string, seq: number, serials: readonly string[]): FeedSnapshot {
  const bundle = { anchors: [root.pem], intermediates: [issuing.pem], generation: 1 };
  const state = {
    type: 'snapshot' as const,
    cursor: `${epoch}:${seq}`,
    epoch,
    seq,
    issuedAt: now,
    revocations: serials.map(revocation),
    bundle,
  };
  const payload = { epoch, seq, issuedAt: now, sha256: snapshotDigest(state) };
  const signer = { key: issuing.key.privateKey, chain: issuing.chain };
  return { ...state, signature: signJws({ typ: SNAPSHOT_TYP, payload }, signer) };
}

function newLedger(): FeedLedger {
  return new FeedLedger({ anchors: [anchorOf(root.certificate)], crypto: nodeCrypto });
}

/** A worker that is told what a primary with this ledger tells a new one. */
function tell(ledger: FeedLedger): LiveTrust {
  const fail = (words: string) => assert.fail(words);
  const worker = new LiveTrust({
    bundles: new Map(),
    policies: [],
    hasFeed: true,
    now: () => now,
    seed: 1,
    onIntermediate: () => undefined,
    alarm: fail,
    onSoft: fail,
    onDue: () => undefined,
  });
  worker.apply({ kind: 'authority', roots: root.pem, staleness: { mode: 'hard', maxStale: 1000 } });
  for (const update of ledger.retell()) worker.apply(update);
  return worker;
}

function revokedIn(worker: LiveTrust): string[] {
  const source = worker.state.bundle('own')?.source;
  const kind = { isCa: false, version: 3, issuerName: 'issuer', points: [], ocspUris: [], crlUris: [] } as const;
  const entry = { issuerKeyHash: issuer, notBefore: now, notAfter: now, ...kind };
  return ['0a', '0b', '0c', '0d'].filter((serialHex) => source?.lookup({ ...entry, serialHex }) !== undefined);
}

test('a worker that starts later is told everything: the snapshot, the changes since, and how fresh it is', () => {
  const ledger = newLedger();
  assert.deepEqual(ledger.retell(), []);
  assert.ok(ledger.apply(snapshot(first, 10, ['0a', '0b']), now).ok);
  assert.ok(ledger.apply({ type: 'revoked', cursor: `${first}:11`, ...revocation('0c') }, now).ok);
  assert.ok(ledger.apply({ type: 'released', cursor: `${first}:12`, issuer, serial: '0b' }, now).ok);
  assert.ok(ledger.apply({ type: 'heartbeat', cursor: `${first}:12`, at: now }, now, now + 5).ok);
  assert.equal(ledger.changeCount, 2);
  const worker = tell(ledger);
  assert.deepEqual(revokedIn(worker), ['0a', '0c']);
  assert.deepEqual(worker.state.bundle('own')?.source?.coverage({} as never), { kind: 'loaded', freshUntil: now + 5 });
});

test('after a restore of the authority, a new worker knows what was revoked before it as well', () => {
  const ledger = newLedger();
  assert.ok(ledger.apply(snapshot(first, 10, ['0a']), now).ok);
  assert.ok(ledger.apply({ type: 'revoked', cursor: `${first}:11`, ...revocation('0b') }, now).ok);
  const restored = ledger.apply(snapshot(second, 3, ['0c']), now);
  assert.ok(restored.ok && restored.alarms.length === 1);
  assert.deepEqual(revokedIn(tell(ledger)), ['0a', '0b', '0c']);
  // What a stored state had kept from still earlier times is told too.
  ledger.carry([{ issuerKeyHash: issuer, serialHex: '0d', reason: 'unspecified', revokedAt: now }]);
  assert.deepEqual(revokedIn(tell(ledger)), ['0a', '0b', '0c', '0d']);
});

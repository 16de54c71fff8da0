import { createRoot, TEST_TIME } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

import { anchorOf, FeedState, keyHash, nodeCrypto, signJws, SNAPSHOT_TYP, snapshotDigest } from '../../src/index.ts';
import type { FeedBundle, FeedOutcome, FeedRevocation, FeedSnapshot } from '../../src/index.ts';

export const DAY = 86_400_000;
export const now = TEST_TIME;
export const epoch = '00'.repeat(8);
export const laterEpoch = '01'.repeat(8);

export const root = await createRoot('Root', { now });
export const issuing = await root.issueCa('Issuing', { pathLen: 0 });
export const issuer = keyHash(issuing.certificate.spki);
export const rootHash = keyHash(root.certificate.spki);

export function revocation(serial: string, changes: Partial<FeedRevocation> = {}): FeedRevocation {
  return { issuer, serial, reason: 'keyCompromise', revokedAt: now, notAfter: now + 30 * DAY, ...changes };
}

export function feedBundle(
  anchors: readonly TestCa[] = [root],
  intermediates: readonly TestCa[] = [issuing],
): FeedBundle {
  return { anchors: anchors.map((ca) => ca.pem), intermediates: intermediates.map((ca) => ca.pem), generation: 1 };
}

/** A snapshot as the authority makes it, signed by whom the test wants. */
export function snapshot(
  changes: Partial<FeedSnapshot> = {},
  signer: TestCertificate = issuing,
  typ: string = SNAPSHOT_TYP,
): FeedSnapshot {
  const { epoch: at = epoch, seq = 10 } = changes;
  const state = {
    type: 'snapshot' as const,
    cursor: `${at}:${seq}`,
    epoch: at,
    seq,
    issuedAt: now,
    revocations: [],
    bundle: feedBundle(),
    ...changes,
  };
  const payload = { epoch: state.epoch, seq: state.seq, issuedAt: state.issuedAt, sha256: snapshotDigest(state) };
  return { ...state, signature: signJws({ typ, payload }, { key: signer.key.privateKey, chain: signer.chain }) };
}

export function newFeed(): FeedState {
  return new FeedState({ anchors: [anchorOf(root.certificate)], crypto: nodeCrypto });
}

/** What a state says of a serial of the issuing CA. */
export function reasonOf(feed: FeedState, serialHex: string): string | undefined {
  return feed.lookup({ issuerKeyHash: issuer, serialHex })?.reason;
}

export function outcomeOf(outcome: FeedOutcome): string {
  return outcome.ok ? 'applied' : `${outcome.error.code}${outcome.resync ? ', resync' : ''}`;
}

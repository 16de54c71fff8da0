import { createHash } from 'node:crypto';
import { formatCursor, snapshotSigningInput } from '@countersign/protocol';
import type { Bundle, FeedEvent, RevocationEntry, SnapshotEvent } from '@countersign/protocol';
import { readBundle } from './bundle.ts';
import type { StoredFeedChange, StoredRevocation, StoreReader } from './ports.ts';

/** Signs the claims of a snapshot as a compact JWS. */
export type SnapshotSigner = (claims: {
  epoch: string;
  seq: number;
  issuedAt: number;
  sha256: string;
}) => Promise<string>;

export function revocationEntry(revocation: StoredRevocation): RevocationEntry {
  const { issuer, serial, reason, revokedAt, notAfter } = revocation;
  const entry = { issuer, serial, reason, revokedAt, notAfter };
  return reason === 'certificateHold' ? { ...entry, hold: true } : entry;
}

/** What the feed says of one change; of a bundle that changed, the one in force now: of several changes in a row the last counts. */
export function changeEvent(epoch: string, change: StoredFeedChange, bundle: Bundle | undefined): FeedEvent {
  const cursor = formatCursor(epoch, change.seq);
  if (change.type === 'bundle') {
    if (bundle === undefined) throw new Error('a change of the bundle needs the bundle');
    return { type: 'bundle', cursor, bundle };
  }
  if (change.type === 'revoked') return { type: 'revoked', cursor, ...revocationEntry(change) };
  const { issuer, serial, reason, revokedAt, notAfter } = change;
  return { type: 'released', cursor, issuer, serial, reason, revokedAt, notAfter };
}

/** The whole signed state at one moment; unexpired certificates only. */
export async function takeSnapshot(tx: StoreReader, now: number, sign: SnapshotSigner): Promise<SnapshotEvent> {
  const { epoch, seq } = await tx.state();
  const bundle = await readBundle(tx, now);
  const revocations = (await tx.revocations(now)).map(revocationEntry);
  const state = { epoch, seq, issuedAt: now, revocations, bundle };
  const digest = createHash('sha256');
  for (const piece of snapshotSigningInput(state)) digest.update(piece);
  const signature = await sign({ epoch, seq, issuedAt: now, sha256: digest.digest('hex') });
  return { type: 'snapshot', cursor: formatCursor(epoch, seq), ...state, signature };
}

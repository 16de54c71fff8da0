import { formatCursor } from '@countersign/protocol';
import type { Bundle, FeedEvent } from '@countersign/protocol';
import { revocationEntry } from './feed-snapshot.ts';
import type { StoredFeedChange } from './ports.ts';

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

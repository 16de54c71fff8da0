import {
  type FeedChange,
  type FeedEvent,
  type FeedOutcome,
  type FeedSnapshot,
  FeedState,
  type Revocation,
} from '@countersign/trust';
import type { TrustUpdate } from '../worker/trust-update.ts';

/**
 * The state of the feed, and the lines that lead there: what a worker that starts later has to be told. Changes behind the
 * snapshot are kept as they came; a fresh snapshot takes their place.
 */
export class FeedLedger extends FeedState {
  #snapshot: FeedSnapshot | undefined;
  #changes: FeedChange[] = [];
  #carriedIn: Revocation[] = [];

  /** Changes since the snapshot: when there are many, it is time for another one. */
  get changeCount(): number {
    return this.#changes.length;
  }

  override apply(event: FeedEvent, now: number, receivedAt: number = now): FeedOutcome {
    const outcome = super.apply(event, now, receivedAt);
    if (!outcome.ok) return outcome;
    if (event.type === 'snapshot') {
      this.#snapshot = event;
      this.#changes = [];
      this.#carriedIn = [...this.carried()];
    } else if (event.type !== 'heartbeat') {
      this.#changes.push(event);
    }
    return outcome;
  }

  override carry(revocations: Iterable<Revocation>): void {
    const taken = [...revocations];
    super.carry(taken);
    this.#carriedIn.push(...taken);
  }

  /** What brings another process to this state. */
  retell(): readonly TrustUpdate[] {
    if (this.#snapshot === undefined) return [];
    const told = this.freshAt ?? this.#snapshot.issuedAt;
    return [
      { kind: 'feed', event: this.#snapshot, receivedAt: told },
      { kind: 'carried', revocations: this.#carriedIn },
      ...this.#changes.map((event): TrustUpdate => ({ kind: 'feed', event, receivedAt: told })),
      { kind: 'fresh', at: told },
    ];
  }
}

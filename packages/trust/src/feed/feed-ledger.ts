import type { FeedChange, FeedEvent, FeedSnapshot } from './feed-event.ts';
import type { FeedOutcome } from './feed-state.ts';
import { FeedState } from './feed-state.ts';
import type { FeedStateOptions } from './feed-state.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { TrustUpdate } from '../sources/trust-update.ts';

/**
 * The state of the feed, and the lines that lead there: what whoever starts to judge later has to be told. Changes behind the
 * snapshot are kept as they came; a fresh snapshot takes their place.
 */
export class FeedLedger extends FeedState {
  readonly #keepsLines: boolean;
  #snapshot: FeedSnapshot | undefined;
  #changes: FeedChange[] = [];
  #changeCount = 0;
  #carriedIn: Revocation[] = [];

  /** Changes since the snapshot: when there are many, it is time for another one. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** @param options.keepLines false: nobody is to be told what led here. */
  constructor({ keepLines = true, ...options }: FeedStateOptions & { readonly keepLines?: boolean | undefined }) {
    super(options);
    this.#keepsLines = keepLines;
  }

  override apply(event: FeedEvent, now: number, receivedAt: number = now): FeedOutcome {
    const outcome = super.apply(event, now, receivedAt);
    if (!outcome.ok) return outcome;
    if (event.type === 'snapshot') this.#changeCount = 0;
    else if (event.type !== 'heartbeat') this.#changeCount += 1;
    if (this.#keepsLines) this.#keep(event);
    return outcome;
  }

  override carry(revocations: Iterable<Revocation>): void {
    const taken = [...revocations];
    super.carry(taken);
    if (this.#keepsLines) this.#carriedIn.push(...taken);
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

  #keep(event: FeedEvent): void {
    if (event.type === 'snapshot') {
      this.#snapshot = event;
      this.#changes = [];
      this.#carriedIn = [...this.carried()];
    } else if (event.type !== 'heartbeat') {
      this.#changes.push(event);
    }
  }
}

import { RevocationDigest } from '@countersign/trust';
import { revocationPages } from './feed-snapshot.ts';
import type { SnapshotOptions } from './feed-snapshot.ts';
import type { StoredFeedChange, StoredRevocation } from './ports.ts';

/**
 * The digest of all revocations as of the last change that was given out: what gateways hold theirs against. It is read from the store
 * once, in the background, and follows the changes from there.
 */
export class FeedDigest {
  readonly #options: Pick<SnapshotOptions, 'store' | 'clock' | 'turn'>;
  #digest: RevocationDigest | undefined;
  /** The place in the feed that it is of. */
  #seq = 0;
  /** What was given out while it was being read. */
  #meanwhile: StoredFeedChange[] = [];
  #reading: object | undefined;

  constructor(options: Pick<SnapshotOptions, 'store' | 'clock' | 'turn'>) {
    this.#options = options;
  }

  /** Reads everything anew; `each` has every revocation that there is. */
  async read(each: (revocation: StoredRevocation) => void = () => undefined): Promise<void> {
    const { store, clock, turn } = this.#options;
    const reading = {};
    this.#reading = reading;
    this.#digest = undefined;
    this.#meanwhile = [];
    await store.view(async (tx) => {
      const digest = new RevocationDigest();
      const { seq } = await tx.state();
      for await (const page of revocationPages(tx, clock())) {
        for (const revocation of page) {
          digest.add(keyed(revocation));
          each(revocation);
        }
        await turn();
      }
      // Whoever began later reads for both.
      if (this.#reading !== reading) return;
      this.#digest = digest;
      this.#seq = seq;
      for (const change of this.#meanwhile.splice(0)) this.#take(change);
    });
  }

  /** A change was given out. */
  give(change: StoredFeedChange): void {
    if (this.#digest === undefined) this.#meanwhile.push(change);
    else this.#take(change);
  }

  /** The digest at a place in the feed; undefined while it is not known. */
  at(seq: number): string | undefined {
    return this.#seq === seq ? this.#digest?.at(this.#options.clock()) : undefined;
  }

  #take(change: StoredFeedChange): void {
    if (change.seq <= this.#seq) return;
    this.#seq = change.seq;
    if (change.type === 'bundle') return;
    if (change.type === 'released') {
      this.#digest?.remove(keyed(change));
      return;
    }
    if (change.replaces !== undefined) this.#digest?.remove(keyed({ ...change, reason: change.replaces }));
    this.#digest?.add(keyed(change));
  }
}

function keyed({ issuer, serial, reason, revokedAt, notAfter }: StoredRevocation) {
  return { issuerKeyHash: issuer, serialHex: serial, reason, revokedAt, notAfter };
}

import { dayOf, digestBySerial, issuerDigest, lastDayOf } from './member.ts';
import { MultisetDigest } from './multiset-digest.ts';
import { REVOCATION_REASONS } from './revocation.ts';
import type { Revocation } from './revocation.ts';

interface Day {
  readonly digest: MultisetDigest;
  count: number;
}

/** Beyond this many days after their end, revocations are forgotten altogether. */
const KEPT_DAYS = 40;

/**
 * What `RevocationIndex.digest()` says of a set of revocations, without holding the set: a sum for each day on which some of them end.
 * A change costs O(1), asking for it one addition for each of these days.
 *
 * @example
 * const digest = new RevocationDigest();
 * digest.add({ issuerKeyHash, serialHex: '0aff', reason: 'keyCompromise', revokedAt: now, notAfter });
 * digest.at(now) === index.digest(); // of an index with the same entries, after `index.purgeExpired(now)`
 */
export class RevocationDigest {
  readonly #days = new Map<number, Day>();
  readonly #issuers = new Map<string, Uint32Array>();

  /** A certificate is revoked. To be called once for each: what is added twice counts twice. */
  add(revocation: Revocation): void {
    this.#change('add', revocation);
  }

  /** A revocation of exactly this reason and end is no more. */
  remove(revocation: Revocation): void {
    this.#change('remove', revocation);
  }

  /** The number of revocations that still count at `now` and the digest of them. */
  at(now: number): string {
    const today = dayOf(now);
    const sum = new MultisetDigest();
    let count = 0;
    for (const [lastDay, day] of this.#days) {
      if (lastDay >= today) {
        sum.merge(day.digest);
        count += day.count;
      } else if (lastDay < today - KEPT_DAYS) {
        this.#days.delete(lastDay);
      }
    }
    return `${count}-${sum.toString()}`;
  }

  #change(change: 'add' | 'remove', { issuerKeyHash, serialHex, reason, notAfter }: Revocation): void {
    const lastDay = lastDayOf(notAfter);
    let day = this.#days.get(lastDay);
    if (day === undefined) this.#days.set(lastDay, (day = { digest: new MultisetDigest(), count: 0 }));
    let issuer = this.#issuers.get(issuerKeyHash);
    if (issuer === undefined) this.#issuers.set(issuerKeyHash, (issuer = issuerDigest(issuerKeyHash)));
    day.count += change === 'add' ? 1 : -1;
    digestBySerial(day.digest, change, issuer, serialHex, REVOCATION_REASONS[reason]);
  }
}

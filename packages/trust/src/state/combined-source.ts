import type { Certificate } from '@countersign/pki';

import type { RevocationStatus } from '../revocation/revocation-index.ts';
import type { PathEntry } from '../verdict/verdict.ts';
import { isCovered } from './revocation-source.ts';
import type { Coverage, RevocationSource, Staleness } from './revocation-source.ts';

export interface CombinedSourceOptions {
  /** The one that is asked first. */
  readonly first: RevocationSource;
  readonly second: RevocationSource;
  /** Whether one of them is enough: the second stands in where the first does not speak. False: both must speak. */
  readonly fallback: boolean;
}

/** Two sources for the certificates of one bundle. Whichever says `revoked` is believed; both have the same staleness. */
export class CombinedSource implements RevocationSource {
  readonly name: string;
  readonly staleness: Staleness;
  readonly #first: RevocationSource;
  readonly #second: RevocationSource;
  readonly #fallback: boolean;

  constructor({ first, second, fallback }: CombinedSourceOptions) {
    this.name = `${first.name} ${fallback ? 'or' : 'and'} ${second.name}`;
    this.staleness = first.staleness;
    this.#first = first;
    this.#second = second;
    this.#fallback = fallback;
  }

  learnIssuer(certificate: Certificate): void {
    this.#first.learnIssuer?.(certificate);
    this.#second.learnIssuer?.(certificate);
  }

  lookup(entry: PathEntry): RevocationStatus | undefined {
    return this.#first.lookup(entry) ?? this.#second.lookup(entry);
  }

  coverage(entry: PathEntry): Coverage {
    const [first, second] = [this.#first.coverage(entry), this.#second.coverage(entry)];
    const isFirstBetter = rankOf(first) >= rankOf(second);
    return isFirstBetter === this.#fallback ? first : second;
  }

  wants(entry: PathEntry, now: number): boolean {
    const isNeeded = !this.#fallback || !isCovered(this.#first, entry, now);
    if (this.#first.wants?.(entry, now) === true) return true;
    return isNeeded && this.#second.wants?.(entry, now) === true;
  }

  isDue(entry: PathEntry, now: number): boolean {
    if (this.#first.isDue?.(entry, now) === true) return true;
    const isNeeded = !this.#fallback || !isCovered(this.#first, entry, now);
    return isNeeded && this.#second.isDue?.(entry, now) === true;
  }
}

/** The longer news are current, the better; that there may come some is better than that there will be none. */
function rankOf(coverage: Coverage): number {
  if (coverage.kind === 'loaded') return coverage.freshUntil;
  return coverage.kind === 'missing' ? -1 : -2;
}

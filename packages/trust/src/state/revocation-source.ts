import type { Certificate } from '@countersign/pki';

import type { RevocationStatus } from '../revocation/revocation-index.ts';
import type { PathEntry } from '../verdict/verdict.ts';

/**
 * What to do when the news about revocations is too old: `hard` refuses, `soft` admits and counts, `off` does not ask for
 * revocation at all. Never loaded counts as too old.
 */
export interface Staleness {
  readonly mode: 'hard' | 'soft' | 'off';
  /**
   * How long the news may be used after it has ceased to be current, in milliseconds: the feed is current at each of its
   * heartbeats, a CRL until its nextUpdate. `nextUpdate` is 0 under its own name.
   */
  readonly maxStale: number | 'nextUpdate';
}

/** The contract's default for the authority's own feed. */
export const FEED_STALENESS: Staleness = { mode: 'hard', maxStale: 24 * 3_600_000 };

/** The contract's default for the CRLs of other CAs. */
export const CRL_STALENESS: Staleness = { mode: 'hard', maxStale: 'nextUpdate' };

/** What a source knows of one certificate's issuer scope. */
export type Coverage =
  /** No news here speaks for this certificate, nor is any expected to; or what speaks for it says that it does not know it. */
  | { readonly kind: 'none'; readonly detail?: string | undefined }
  /** News that speaks for it is expected but was never loaded. */
  | { readonly kind: 'missing' }
  /** There is news, current until `freshUntil` (milliseconds since the epoch). */
  | { readonly kind: 'loaded'; readonly freshUntil: number };

/** Where revocations are known from: the authority's feed, or the CRLs of a bundle's CAs. */
export interface RevocationSource {
  /** For words in logs and metrics. */
  readonly name: string;
  readonly staleness: Staleness;
  /** The revocation of a certificate, where it is known to be revoked. */
  lookup(entry: PathEntry): RevocationStatus | undefined;
  /** A CA of a path that was verified but for revocation: news signed with its key can be believed. */
  learnIssuer?(certificate: Certificate): void;
  /** Whether the news here speaks for a certificate, and until when it is current. */
  coverage(entry: PathEntry): Coverage;
  /** Whether news about a certificate are needed, and could be had by asking for them: worth to wait for. */
  wants?(entry: PathEntry, now: number): boolean;
  /** Whether what is known of a certificate should be asked for again, ahead of its end: nobody waits for that. */
  isDue?(entry: PathEntry, now: number): boolean;
}

/** Whether a source admits a certificate as things are, as far as it is not revoked. */
export function isCovered(source: RevocationSource, entry: PathEntry, now: number): boolean {
  const coverage = source.coverage(entry);
  return coverage.kind === 'loaded' && !isBeyond(coverage.freshUntil, source.staleness, now);
}

/** Whether news that is current until `freshUntil` may no longer be relied on at `now`. */
export function isBeyond(freshUntil: number, staleness: Staleness, now: number): boolean {
  const maxStale = staleness.maxStale === 'nextUpdate' ? 0 : staleness.maxStale;
  return now - freshUntil > maxStale;
}

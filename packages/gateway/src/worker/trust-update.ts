import type { FeedEvent, OcspAnswer, Revocation } from '@countersign/trust';
import type { StalenessConfig } from '../config/config.ts';

/** One file of a bundle, read by the primary. */
export interface BundleFileContents {
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly anchorsOnly: boolean;
}

/** What the primary tells workers of trust; each is applied in order and acknowledged. */
export type TrustUpdate =
  /** A bundle of the configuration, checked by the primary already. */
  | {
      readonly kind: 'bundle';
      readonly name: string;
      readonly files: readonly BundleFileContents[];
      /** Certificates whose word about revocation counts, though they are no CAs. */
      readonly signers: readonly BundleFileContents[];
    }
  /** The authority's roots as they were at enrollment (PEM): what the feed's snapshots are checked against. */
  | { readonly kind: 'authority'; readonly roots: string; readonly staleness: StalenessConfig }
  /** One line of the feed. `receivedAt`: milliseconds since the epoch. */
  | { readonly kind: 'feed'; readonly event: FeedEvent; readonly receivedAt: number }
  /** Revocations of an earlier epoch of the authority's store, which are kept. */
  | { readonly kind: 'carried'; readonly revocations: readonly Revocation[] }
  /** The state was known to be complete at this time: milliseconds since the epoch. */
  | { readonly kind: 'fresh'; readonly at: number }
  /** What OCSP responders have said of certificates of a bundle; the primary has verified it. */
  | { readonly kind: 'ocsp'; readonly bundle: string; readonly answers: readonly OcspAnswer[] }
  /** A CRL of a bundle, whose signature the primary has checked. */
  | {
      readonly kind: 'crl';
      readonly bundle: string;
      readonly source: string;
      /** Under what it is told to workers that start later: the next one of that name takes its place. */
      readonly toldAs: string;
      readonly der: Uint8Array;
    };

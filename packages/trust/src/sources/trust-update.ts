import type { FeedEvent } from '../feed/feed-event.ts';
import type { OcspAnswer } from '../ocsp/ocsp-answers.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { Staleness } from '../state/revocation-source.ts';

/** One file of a bundle, read by whoever follows it. */
export interface BundleFileContents {
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly anchorsOnly: boolean;
}

/** News of trust, for whoever judges: applied in order. A gateway's primary tells them to its workers. */
export type TrustUpdate =
  /** A bundle of the configuration, checked already. */
  | {
      readonly kind: 'bundle';
      readonly name: string;
      readonly files: readonly BundleFileContents[];
      /** Certificates whose word about revocation counts, though they are no CAs. */
      readonly signers: readonly BundleFileContents[];
    }
  /** The authority's roots as they were at enrollment (PEM): what the feed's snapshots are checked against. */
  | { readonly kind: 'authority'; readonly roots: string; readonly staleness: Staleness }
  /** One line of the feed. `receivedAt`: milliseconds since the epoch. */
  | { readonly kind: 'feed'; readonly event: FeedEvent; readonly receivedAt: number }
  /** Revocations of an earlier epoch of the authority's store, which are kept. */
  | { readonly kind: 'carried'; readonly revocations: readonly Revocation[] }
  /** The state was known to be complete at this time: milliseconds since the epoch. */
  | { readonly kind: 'fresh'; readonly at: number }
  /** What OCSP responders have said of certificates of a bundle; it was verified. */
  | { readonly kind: 'ocsp'; readonly bundle: string; readonly answers: readonly OcspAnswer[] }
  /** A CRL of a bundle, whose signature was checked. */
  | {
      readonly kind: 'crl';
      readonly bundle: string;
      readonly source: string;
      /** Under what it is told to those that start later: the next one of that name takes its place. */
      readonly toldAs: string;
      readonly der: Uint8Array;
    };

export type BundleUpdate = Extract<TrustUpdate, { kind: 'bundle' }>;
export type CrlUpdate = Extract<TrustUpdate, { kind: 'crl' }>;
export type OcspUpdate = Extract<TrustUpdate, { kind: 'ocsp' }>;

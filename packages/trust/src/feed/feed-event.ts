import type { RevocationReason } from '../revocation/revocation.ts';

/**
 * The lines of the authority's feed, as far as trust rests on them. The wire contract has the schemas; these are the same
 * shapes, so that a checked line of the wire is one of these.
 */

/** One revoked certificate. */
export interface FeedRevocation {
  /** SHA-256 of the issuing CA's SubjectPublicKeyInfo: lower-case hex. */
  readonly issuer: string;
  readonly serial: string;
  readonly reason: RevocationReason;
  /** Milliseconds since the epoch. */
  readonly revokedAt: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly hold?: true | undefined;
}

/** The CAs of the authority, PEM; `generation` counts their changes. */
export interface FeedBundle {
  readonly anchors: readonly string[];
  readonly intermediates: readonly string[];
  readonly generation: number;
}

/** The whole state at `epoch:seq`, signed by an issuing CA. */
export interface FeedSnapshot {
  readonly type: 'snapshot';
  readonly cursor: string;
  readonly epoch: string;
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly revocations: readonly FeedRevocation[];
  readonly bundle: FeedBundle;
  /** Compact JWS, see `verifySnapshot`. */
  readonly signature: string;
}

export interface FeedRevoked extends FeedRevocation {
  readonly type: 'revoked';
  readonly cursor: string;
}

/** A hold has ended. */
export interface FeedReleased {
  readonly type: 'released';
  readonly cursor: string;
  readonly issuer: string;
  readonly serial: string;
}

export interface FeedBundleChanged {
  readonly type: 'bundle';
  readonly cursor: string;
  readonly bundle: FeedBundle;
}

/** There is nothing beyond `cursor`: what is known is fresh. */
export interface FeedHeartbeat {
  readonly type: 'heartbeat';
  readonly cursor: string;
  /** The authority's wall clock, milliseconds since the epoch. */
  readonly at: number;
  /** `RevocationIndex.digest()` of the authority after purging what had expired at `at`, where it sends one. */
  readonly digest?: string | undefined;
}

/** What changes the state; a snapshot replaces it. */
export type FeedChange = FeedRevoked | FeedReleased | FeedBundleChanged | FeedHeartbeat;

export type FeedEvent = FeedSnapshot | FeedChange;

/** A place in the feed: the store's epoch, and the sequence in commit order within it. */
export interface Cursor {
  readonly epoch: string;
  readonly seq: number;
}

/** Reads `EPOCH:SEQ`; undefined for what is none. */
export function readCursor(text: string): Cursor | undefined {
  const match = /^([0-9a-f]{16,64}):(\d{1,16})$/.exec(text);
  const [, epoch, seq] = match ?? [];
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq: Number(seq) };
}

/** A cursor as text: `EPOCH:SEQ`. */
export function writeCursor({ epoch, seq }: Cursor): string {
  return `${epoch}:${seq}`;
}

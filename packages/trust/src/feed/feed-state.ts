import { parseCertificate, pemDecode } from '@countersign/pki';
import type { Certificate, Crypto, TrustAnchor } from '@countersign/pki';

import { anchorOf } from '../bundle/bundle.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { TrustError } from '../errors.ts';
import { RevocationIndex } from '../revocation/revocation-index.ts';
import type { RevocationStatus } from '../revocation/revocation-index.ts';
import type { Revocation, RevocationKey } from '../revocation/revocation.ts';
import { FEED_STALENESS } from '../state/revocation-source.ts';
import type { Coverage, RevocationSource, Staleness } from '../state/revocation-source.ts';
import { keyHash } from '../verdict/key-hash.ts';
import type { PathEntry } from '../verdict/verdict.ts';
import { readCursor, writeCursor } from './feed-event.ts';
import type { Cursor, FeedBundle, FeedChange, FeedEvent, FeedRevocation, FeedSnapshot } from './feed-event.ts';
import { verifySnapshot } from './snapshot-signature.ts';

/** What an operator must hear of although the feed goes on. */
export interface FeedAlarm {
  readonly code: 'feed_epoch_changed';
  readonly detail: string;
}

/** What applying a line has led to. */
export interface FeedApplied {
  readonly ok: true;
  /** These are revoked now: end their connections. */
  readonly revoked: readonly RevocationKey[];
  /** Anything may have changed: ask of every connection whether it still stands. */
  readonly replaced: boolean;
  /** The authority's CAs have changed. */
  readonly bundle: Bundle | undefined;
  readonly alarms: readonly FeedAlarm[];
}

/** The line was not applied; nothing has changed. */
export interface FeedRefused {
  readonly ok: false;
  readonly error: TrustError;
  /** What mends it: nothing but a full snapshot, so subscribe again without a cursor. */
  readonly resync: boolean;
}

export type FeedOutcome = FeedApplied | FeedRefused;

export interface FeedStateOptions {
  /** The root that the gateway enrolled with: what a snapshot's signature is checked against. */
  readonly anchors: readonly TrustAnchor[];
  readonly crypto: Crypto;
  readonly staleness?: Staleness | undefined;
  /** Name of the bundle that the authority's CAs make. */
  readonly bundleName?: string | undefined;
  /** Seed of the index, see `RevocationIndex`. */
  readonly seed?: number | undefined;
}

const NOTHING: FeedApplied = { ok: true, revoked: [], replaced: false, bundle: undefined, alarms: [] };

/**
 * What is known from the authority's feed: its revocations, its CAs, the place in the feed and how fresh it is. Lines are
 * applied one by one, in order; the transport is somebody else's.
 *
 * A snapshot counts only with a signature of the authority and never takes the state back. After a restore of the
 * authority's store (another epoch) revocations that were known are kept besides the new ones, and an alarm says so.
 */
export class FeedState implements RevocationSource {
  readonly name = 'feed';
  readonly staleness: Staleness;
  readonly #options: FeedStateOptions;
  #index: RevocationIndex;
  /** Revocations of earlier epochs that the present one does not know. */
  #carried: RevocationIndex;
  #cursor: Cursor | undefined;
  #freshAt: number | undefined;
  #bundle: Bundle | undefined;

  constructor(options: FeedStateOptions) {
    this.#options = options;
    this.staleness = options.staleness ?? FEED_STALENESS;
    this.#index = this.#newIndex(0);
    this.#carried = this.#newIndex(0);
  }

  /** Where to go on: undefined before the first snapshot. */
  get cursor(): string | undefined {
    return this.#cursor === undefined ? undefined : writeCursor(this.#cursor);
  }

  /** When the state was last known to be complete: milliseconds since the epoch. */
  get freshAt(): number | undefined {
    return this.#freshAt;
  }

  /** The authority's CAs; undefined before the first snapshot. */
  get bundle(): Bundle | undefined {
    return this.#bundle;
  }

  /** Number of revocations known, those kept from earlier epochs included. */
  get size(): number {
    return this.#index.size + this.#carried.size;
  }

  /** Digest of the revocations of the present epoch, which the authority can compare with its own. */
  digest(): string {
    return this.#index.digest();
  }

  /** Revocations of earlier epochs that were kept. */
  carried(): Iterable<Revocation> {
    return this.#carried.entries();
  }

  /** Takes in revocations of an earlier epoch that a stored state had kept. */
  carry(revocations: Iterable<Revocation>): void {
    for (const revocation of revocations) {
      if (!this.#index.has(revocation.issuerKeyHash, revocation.serialHex)) this.#carried.set(revocation);
    }
  }

  lookup({ issuerKeyHash, serialHex }: RevocationKey): RevocationStatus | undefined {
    return this.#index.lookup(issuerKeyHash, serialHex) ?? this.#carried.lookup(issuerKeyHash, serialHex);
  }

  /** The feed speaks for every certificate below the authority's anchors. */
  coverage(_entry?: PathEntry): Coverage {
    return this.#freshAt === undefined ? { kind: 'missing' } : { kind: 'loaded', freshUntil: this.#freshAt };
  }

  /**
   * Applies one line of the feed.
   *
   * @param now wall clock, milliseconds since the epoch.
   * @param receivedAt when the line came, where that was earlier: for a state that was stored.
   */
  apply(event: FeedEvent, now: number, receivedAt: number = now): FeedOutcome {
    try {
      return event.type === 'snapshot'
        ? this.#applySnapshot(event, now, receivedAt)
        : this.#applyChange(event, receivedAt);
    } catch (error) {
      // The line is somebody else's: whatever it makes fail, it is the line that is refused.
      return refuse('feed_malformed', `a line of the feed cannot be read: ${String(error)}`, true);
    }
  }

  /** Says that the state was known to be complete at `at`: for a stored state. */
  confirm(at: number): void {
    if (this.#cursor !== undefined && (this.#freshAt ?? 0) < at) this.#freshAt = at;
  }

  #applySnapshot(snapshot: FeedSnapshot, now: number, receivedAt: number): FeedOutcome {
    const anchors = [...this.#options.anchors, ...(this.#bundle?.anchors ?? [])];
    const verdict = verifySnapshot(snapshot, { anchors, crypto: this.#options.crypto, time: now });
    if (!verdict.ok) return refuse('feed_signature_invalid', verdict.detail, false);
    const known = this.#cursor;
    if (known !== undefined && known.epoch === snapshot.epoch && snapshot.seq < known.seq) {
      return refuse('feed_rollback', `a snapshot at ${snapshot.seq} although ${known.seq} is known`, false);
    }
    const bundle = this.#readBundle(snapshot.bundle);
    const index = this.#newIndex(snapshot.revocations.length);
    for (const entry of snapshot.revocations) index.set(revocationOf(entry));
    const { signer, issuer } = verdict;
    const signerIssuer = issuer === undefined ? undefined : keyHash(issuer.spki);
    if (signerIssuer !== undefined && isIn([index, this.#index, this.#carried], signerIssuer, signer.serialHex)) {
      return refuse('feed_signature_invalid', 'the CA that signed the snapshot is revoked', false);
    }

    const carried = this.#newIndex(0);
    const epochChanged = known !== undefined && known.epoch !== snapshot.epoch;
    for (const source of epochChanged ? [this.#carried, this.#index] : [this.#carried]) {
      for (const entry of source.entries()) {
        if (!index.has(entry.issuerKeyHash, entry.serialHex)) carried.set(entry);
      }
    }
    carried.purgeExpired(now);
    this.#index = index;
    this.#carried = carried;
    this.#cursor = { epoch: snapshot.epoch, seq: snapshot.seq };
    this.#freshAt = receivedAt;
    this.#bundle = bundle;
    const detail = `the authority's store is another one (restored?); ${carried.size} revocations that it does not know are kept`;
    const alarms: FeedAlarm[] = epochChanged ? [{ code: 'feed_epoch_changed', detail }] : [];
    return { ok: true, revoked: [], replaced: true, bundle, alarms };
  }

  #applyChange(change: FeedChange, receivedAt: number): FeedOutcome {
    const cursor = readCursor(change.cursor);
    const known = this.#cursor;
    if (cursor === undefined) return refuse('feed_malformed', 'a line has no cursor', true);
    if (known === undefined || known.epoch !== cursor.epoch) {
      return refuse('feed_malformed', 'a change of a state that was never loaded', true);
    }
    if (change.type === 'heartbeat') return this.#applyHeartbeat(change, cursor, known, receivedAt);
    // What was applied before comes again after a reconnect; applying an old release again would undo a later hold.
    if (cursor.seq <= known.seq) return NOTHING;
    const applied = this.#applyNew(change);
    this.#cursor = cursor;
    return applied;
  }

  #applyNew(change: Exclude<FeedChange, { type: 'heartbeat' }>): FeedApplied {
    switch (change.type) {
      case 'revoked': {
        const revocation = revocationOf(change);
        this.#index.set(revocation);
        this.#carried.delete(revocation.issuerKeyHash, revocation.serialHex);
        return { ...NOTHING, revoked: [revocation] };
      }
      case 'released':
        this.#index.delete(change.issuer, change.serial);
        this.#carried.delete(change.issuer, change.serial);
        return NOTHING;
      case 'bundle': {
        const bundle = this.#readBundle(change.bundle);
        this.#bundle = bundle;
        return { ...NOTHING, bundle };
      }
    }
  }

  #applyHeartbeat(
    { at, digest }: { readonly at: number; readonly digest?: string | undefined },
    cursor: Cursor,
    known: Cursor,
    receivedAt: number,
  ): FeedOutcome {
    if (cursor.seq < known.seq) {
      return refuse('feed_rollback', `a heartbeat at ${cursor.seq} although ${known.seq} is known`, true);
    }
    if (digest !== undefined) {
      this.#index.purgeExpired(at);
      if (digest !== this.#index.digest()) {
        const detail = `the revocations known here (${this.#index.digest()}) are not those of the authority (${digest})`;
        return refuse('feed_diverged', detail, true);
      }
    }
    this.#cursor = cursor;
    this.#freshAt = receivedAt;
    return NOTHING;
  }

  #readBundle({ anchors, intermediates }: FeedBundle): Bundle {
    const roots = anchors.flatMap(readPem).map(anchorOf);
    if (roots.length === 0) throw new RangeError('the bundle has no anchor');
    return {
      name: this.#options.bundleName ?? 'own',
      anchors: roots,
      intermediates: intermediates.flatMap(readPem),
      own: true,
    };
  }

  #newIndex(capacity: number): RevocationIndex {
    return new RevocationIndex({ seed: this.#options.seed ?? 0, capacity });
  }
}

function refuse(code: TrustError['code'], detail: string, resync: boolean): FeedRefused {
  return { ok: false, error: new TrustError(code, detail), resync };
}

function revocationOf(entry: FeedRevocation): Revocation {
  const { issuer, serial, reason, revokedAt, notAfter } = entry;
  return { issuerKeyHash: issuer, serialHex: serial, reason, revokedAt, notAfter };
}

function readPem(text: string): Certificate[] {
  return pemDecode(text).map((block) => parseCertificate(block.der));
}

function isIn(indexes: readonly RevocationIndex[], issuerKeyHash: string, serialHex: string): boolean {
  return indexes.some((index) => index.has(issuerKeyHash, serialHex));
}

import { ALL_REASONS } from '@countersign/pki';

import { TrustError } from '../errors.ts';
import type { RevocationStatus } from '../revocation/revocation-index.ts';
import type { PathEntry } from '../verdict/verdict.ts';
import { nameHash } from './accept-crl.ts';
import type { LoadedCrl } from './accept-crl.ts';
import { reasonsCovered, scopeKey } from './crl-scope.ts';

/** What became of a CRL that was put on the shelf. `waiting`: a delta whose complete list is not there. */
export type Shelved = 'loaded' | 'unchanged' | 'waiting';

/** Names the place of a list: the same for every list that takes the place of the one before, and for its deltas. */
export function placeOf({ issuerKeyHash, scope }: LoadedCrl): string {
  return `${issuerKeyHash} ${scopeKey(scope)}`;
}

/** The lists of one signer and scope. */
interface Place {
  base: LoadedCrl | undefined;
  /** Fits `base`, and is newer. */
  delta: LoadedCrl | undefined;
  /** A newer delta, to a complete list that is not here yet. */
  waiting: LoadedCrl | undefined;
}

/** A complete list, with its delta, that speaks for a certificate. */
interface Speaker {
  readonly base: LoadedCrl;
  readonly delta: LoadedCrl | undefined;
  readonly reasons: number;
  readonly freshUntil: number;
}

/**
 * The CRLs in use: one complete list and one delta for each signer and scope, never replaced by older ones. What speaks for a
 * certificate is looked up once for each certificate and shelf, not at each question.
 */
export class CrlShelf {
  readonly #places = new Map<string, Place>();
  #bySigner = new Map<string, Place[]>();
  #indirectByName = new Map<string, Place[]>();
  #known = new WeakMap<PathEntry, readonly Speaker[]>();

  /** Every list in use, deltas included. */
  get lists(): LoadedCrl[] {
    return [...this.#places.values()].flatMap(({ base, delta }) => [base, delta].filter((list) => list !== undefined));
  }

  /**
   * Puts a list, whose signature is good, in the place of the one before.
   *
   * @throws TrustError `crl_rollback` where that would be a step back in time; nothing has changed then.
   */
  put(next: LoadedCrl): Shelved {
    const key = placeOf(next);
    const place = this.#places.get(key) ?? { base: undefined, delta: undefined, waiting: undefined };
    const shelved = next.baseNumber === undefined ? putBase(place, next) : putDelta(place, next);
    if (shelved === 'unchanged') return shelved;
    if (!this.#places.has(key)) {
      this.#places.set(key, place);
      this.#arrange();
    }
    this.#known = new WeakMap();
    return shelved;
  }

  /** The revocation of a certificate by any list that speaks for it, current or not. */
  lookup(entry: PathEntry): RevocationStatus | undefined {
    for (const { base, delta } of this.#speakers(entry)) {
      const status = lookupIn(delta, entry) ?? lookupIn(base, entry);
      if (status !== undefined && status.reason !== 'removeFromCRL') return status;
    }
    return undefined;
  }

  /**
   * Until when lists are current that speak for a certificate for every reason there is, milliseconds since the epoch;
   * undefined: there are none.
   */
  freshUntil(entry: PathEntry): number | undefined {
    let left = ALL_REASONS;
    let freshUntil = Infinity;
    for (const speaker of this.#speakers(entry)) {
      if ((speaker.reasons & left) === 0) continue;
      left &= ~speaker.reasons;
      freshUntil = Math.min(freshUntil, speaker.freshUntil);
      if (left === 0) return freshUntil;
    }
    return undefined;
  }

  /** Those that are current longest come first. */
  #speakers(entry: PathEntry): readonly Speaker[] {
    let speakers = this.#known.get(entry);
    if (speakers === undefined) {
      const places = [entry.issuerName, ...entry.points.flatMap(({ issuers }) => issuers)].flatMap(
        (name) => this.#indirectByName.get(name) ?? [],
      );
      const found = [...new Set([...(this.#bySigner.get(entry.issuerKeyHash) ?? []), ...places])];
      speakers = found.flatMap((place) => speakerOf(place, entry)).sort((a, b) => b.freshUntil - a.freshUntil);
      this.#known.set(entry, speakers);
    }
    return speakers;
  }

  #arrange(): void {
    const places = [...this.#places.values()];
    const listOf = (place: Place): LoadedCrl | undefined => place.base ?? place.waiting;
    const isIndirect = (place: Place): boolean => listOf(place)?.scope.indirect === true;
    this.#bySigner = Map.groupBy(
      places.filter((place) => !isIndirect(place)),
      (place) => listOf(place)?.issuerKeyHash ?? '',
    );
    this.#indirectByName = Map.groupBy(places.filter(isIndirect), (place) => listOf(place)?.scope.issuer ?? '');
  }
}

function speakerOf({ base, delta }: Place, entry: PathEntry): Speaker[] {
  if (base === undefined) return [];
  const reasons = reasonsCovered(base.scope, entry, base.issuerKeyHash === entry.issuerKeyHash);
  if (reasons === 0) return [];
  // Who publishes deltas where they are expected promises news by them: one that is overdue is missed (as OpenSSL's
  // -use_deltas has it). One that was merely found makes nothing worse than the complete list alone.
  const freshUntil = Math.min(base.nextUpdate, delta?.isExpected === true ? delta.nextUpdate : Infinity);
  return [{ base, delta, reasons, freshUntil }];
}

function lookupIn(list: LoadedCrl | undefined, entry: PathEntry): RevocationStatus | undefined {
  if (list === undefined) return undefined;
  const issuer = list.scope.indirect ? nameHash(entry.issuerName) : entry.issuerKeyHash;
  return list.index.lookup(issuer, entry.serialHex);
}

function putBase(place: Place, next: LoadedCrl): Shelved {
  const { base, delta, waiting } = place;
  if (base !== undefined && isRollback(base, next)) throw rollback(base, next);
  if (base !== undefined && isSame(base, next)) return 'unchanged';
  // A delta that fits a list fits every newer one too: nothing that was known is lost here.
  const newer = [waiting, delta].filter((list) => list !== undefined && !isCaughtUp(next, list));
  place.base = next;
  place.delta = newer.find((list) => list !== undefined && fits(list, next));
  place.waiting = newer.includes(waiting) && waiting !== place.delta ? waiting : undefined;
  return 'loaded';
}

function putDelta(place: Place, next: LoadedCrl): Shelved {
  const { base, delta, waiting } = place;
  if (delta !== undefined && isRollback(delta, next)) throw rollback(delta, next);
  if (delta !== undefined && isSame(delta, next)) return 'unchanged';
  // What the complete list knows already: publishers do not change both in one moment.
  if (base !== undefined && isCaughtUp(base, next)) return 'unchanged';
  if (base === undefined || !fits(next, base)) {
    if (waiting !== undefined && isRollback(waiting, next)) throw rollback(waiting, next);
    place.waiting = next;
    return 'waiting';
  }
  place.delta = next;
  if (waiting !== undefined && isCaughtUp(next, waiting)) place.waiting = undefined;
  return 'loaded';
}

/** Whether a list tells all that a delta does, as its number is no lower. */
function isCaughtUp(base: LoadedCrl, delta: LoadedCrl): boolean {
  return base.crlNumber !== undefined && delta.crlNumber !== undefined && base.crlNumber >= delta.crlNumber;
}

/** RFC 5280 section 5.2.4: whether a delta tells what has changed since this complete list, which has the same signer and scope. */
function fits(delta: LoadedCrl, base: LoadedCrl): boolean {
  return base.crlNumber !== undefined && delta.baseNumber !== undefined && base.crlNumber >= delta.baseNumber;
}

/** Whether `next` is older than `known`: by number where both have one, else by time; a number is never given up again. */
function isRollback(known: LoadedCrl, next: LoadedCrl): boolean {
  if (known.crlNumber !== undefined) {
    if (next.crlNumber === undefined) return true;
    if (known.crlNumber !== next.crlNumber) return next.crlNumber < known.crlNumber;
  }
  return next.thisUpdate < known.thisUpdate;
}

function isSame(known: LoadedCrl, next: LoadedCrl): boolean {
  const sameHead =
    known.thisUpdate === next.thisUpdate &&
    known.nextUpdate === next.nextUpdate &&
    known.crlNumber === next.crlNumber &&
    known.baseNumber === next.baseNumber;
  return sameHead && known.index.digest() === next.index.digest();
}

function rollback(known: LoadedCrl, next: LoadedCrl): TrustError {
  const words = ({ crlNumber, thisUpdate }: LoadedCrl): string =>
    `number ${crlNumber ?? 'none'} of ${new Date(thisUpdate).toISOString()}`;
  return new TrustError('crl_rollback', `has ${words(next)} although ${words(known)} is in use`, {
    source: next.source,
  });
}

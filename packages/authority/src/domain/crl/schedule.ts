import type { StoredCrl } from '../ports.ts';

const hour = 3_600_000;

/** How long the CRLs of issuing CAs last: they are made anew twelve hours after the last, so the authority may be away for two days without a gap. */
export const issuingCrlMs = 72 * hour;

/** When the next CRL is made though nothing was revoked: between nine and fifteen hours after the last. */
const refreshMs = { from: 9 * hour, spread: 6 * hour } as const;

/** How much of its time a CRL has left at least; with less it is made anew before anything else. */
const urgentMs = 36 * hour;

/** The root, whose key is away: thirteen months. */
export function rootNextUpdate(now: number): number {
  const date = new Date(now);
  return date.setUTCMonth(date.getUTCMonth() + 13);
}

/** From how long before its end on the root's CRL raises an alarm. */
export const rootCrlAlarmMs = 90 * 24 * hour;

/**
 * Of an expired certificate the entry stays for so long, so that at least one CRL made at its usual time beyond the end has it
 * (RFC 5280, section 3.3), whoever fetches how seldom.
 */
export const keepExpiredMs = 16 * hour;

/** What a CRL has to show, and above which number it has to be. */
export interface Wanted {
  readonly changes: number;
  readonly crlNumbersFrom: number;
}

/**
 * Whether a CRL has to be made anew: `now` where it is missing, has a number that may have been served before a restore, comes from the
 * future or ends soon; `changed` where it does not show everything; `soon` where its usual time has come. That differs from scope to
 * scope, so that they do not all come at once.
 */
export function crlIsDue(crl: StoredCrl | undefined, wanted: Wanted, now: number): Due | undefined {
  if (crl === undefined || crl.number <= wanted.crlNumbersFrom) return 'now';
  // Before: the clock was set back, and nobody takes a CRL from the future.
  if (crl.nextUpdate - now < urgentMs || now < crl.thisUpdate - hour) return 'now';
  if (crl.shown < wanted.changes) return 'changed';
  return now - crl.thisUpdate >= refreshMs.from + refreshMs.spread * portion(crl) ? 'soon' : undefined;
}

export type Due = 'now' | 'changed' | 'soon';

/** A share of 1 that is another one for each CRL, and always the same for one. */
function portion({ issuer, scope, number }: StoredCrl): number {
  let hash = 0x811c9dc5;
  for (const character of `${issuer}/${scope}/${number}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  // The last step of murmur3: neighbours end far from each other.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

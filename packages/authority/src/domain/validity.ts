import type { Shortened } from '@countersign/protocol';
import { refuse } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Clocks differ: a certificate is valid a little before it was made. */
export const backdateMs = 5 * 60_000;

/** RFC 5280, section 4.1.2.5: the years that both time types can tell. */
const earliest = Date.UTC(1950, 0, 1);
const latest = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Wishes for a certificate's validity; times in milliseconds since the epoch. */
export interface ValidityRequest {
  readonly notBefore?: number | undefined;
  readonly notAfter?: number | undefined;
  readonly lifetimeSeconds?: number | undefined;
}

/** What a certificate gets; times in milliseconds since the epoch, whole seconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
  /** The lifetime that was asked for or is the profile's: what a renewal gets again. */
  readonly lifetimeSeconds: number;
  readonly shortened?: Shortened | undefined;
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/**
 * A certificate's validity: as asked for, else from five minutes ago for the profile's lifetime from now; never longer than its
 * issuer's, and when that shortens it, said.
 */
export function decideValidity(
  now: number,
  profileLifetimeSeconds: number,
  request: ValidityRequest,
  issuerNotAfter: number,
): Outcome<Validity> {
  if (request.notAfter !== undefined && request.lifetimeSeconds !== undefined) {
    return refuse('validity_invalid', 'notAfter and lifetimeSeconds were both given');
  }
  const lifetimeSeconds = request.lifetimeSeconds ?? profileLifetimeSeconds;
  const begin = request.notBefore ?? now;
  const requested = wholeSeconds(request.notAfter ?? begin + lifetimeSeconds * 1000);
  // An end in the past without a beginning asks for an expired certificate (to try out what refuses it), not for a mistake's error.
  const start = requested > now ? now - backdateMs : requested - lifetimeSeconds * 1000;
  const notBefore = wholeSeconds(request.notBefore ?? start);
  if (notBefore < earliest || requested > latest || notBefore > latest) {
    return refuse('validity_invalid', 'a certificate is valid within the years 1950 to 9999');
  }
  if (requested <= notBefore) return refuse('validity_invalid', 'notAfter is not after notBefore');
  const notAfter = Math.min(requested, issuerNotAfter);
  if (notAfter <= notBefore) return refuse('validity_invalid', "the validity begins after the issuing CA's has ended");
  const asked = request.notAfter === undefined ? lifetimeSeconds : Math.round((requested - begin) / 1000);
  const validity = { ok: true as const, notBefore, notAfter, lifetimeSeconds: Math.max(asked, 1) };
  if (notAfter === requested) return validity;
  const shortened: Shortened = {
    requestedNotAfter: new Date(requested).toISOString(),
    because: 'issuer',
    detail: `shortened to ${new Date(notAfter).toISOString()}, when its issuing CA's certificate ends`,
  };
  return { ...validity, shortened };
}

/** Whether a CRL is current, which of several is the newest, and whether one falls behind another. */

import type { Crl } from '../../crl/crl.ts';
import { OID } from '../../x509/oids.ts';
import { sameScope } from './scope.ts';

/** Limits on the age of CRLs. */
export interface CrlAge {
  /** Oldest thisUpdate, in milliseconds. Without it a CRL that has no nextUpdate is never current. */
  readonly maxAge?: number;
  /** How far ahead of the time of validation thisUpdate may be, in milliseconds. Default 0. */
  readonly skew?: number;
}

/**
 * Why a CRL cannot be relied on at this time, or `undefined` (RFC 5280, 5.1.2.4, 5.1.2.5, 6.3.3 (a)).
 *
 * @param time milliseconds since the epoch.
 */
export function staleness(crl: Crl, time: number, { maxAge, skew = 0 }: CrlAge): string | undefined {
  if (crl.thisUpdate > time + skew) return 'its thisUpdate is ahead';
  if (maxAge !== undefined && crl.thisUpdate < time - maxAge) return 'its thisUpdate is too old';
  if (crl.nextUpdate === undefined) return maxAge === undefined ? 'it has no nextUpdate' : undefined;
  return time > crl.nextUpdate ? 'its nextUpdate has passed' : undefined;
}

/**
 * What RFC 5280 section 5 demands of conforming CRL issuers and a list lacks, or `undefined`: version 2, an authority key
 * identifier, a CRL number and nextUpdate, and the right extensions critical.
 */
export function nonconformity(crl: Crl): string | undefined {
  const isCritical = (oid: string): boolean =>
    crl.extensions.some((extension) => extension.oid === oid && extension.critical);
  if (crl.version !== 2) return 'it is of version 1';
  if (crl.nextUpdate === undefined) return 'it has no nextUpdate';
  if (crl.authorityKeyId?.keyId === undefined) return 'it has no authority key identifier';
  if (isCritical(OID.authorityKeyIdentifier)) return 'its authority key identifier is critical';
  if (crl.crlNumber === undefined) return 'it has no CRL number';
  if (isCritical(OID.crlNumber)) return 'its CRL number is critical';
  if (crl.issuingDistributionPoint !== undefined && !isCritical(OID.issuingDistributionPoint)) {
    return 'its issuing distribution point is not critical';
  }
  return undefined;
}

/** Whether `a` was issued after `b`: by cRLNumber where both have one (5.2.3), else by thisUpdate. */
export function isNewer(a: Crl, b: Crl): boolean {
  if (a.crlNumber !== undefined && b.crlNumber !== undefined && a.crlNumber !== b.crlNumber)
    return a.crlNumber > b.crlNumber;
  return a.thisUpdate > b.thisUpdate;
}

/**
 * Whether a CRL would take a holder of `known` back in time: of the same issuer, scope and kind, but with a lower
 * cRLNumber, an earlier thisUpdate, or no number where there was one (RFC 5280, 5.2.3: numbers only grow). Refuse such a
 * list however valid its signature.
 *
 * @example
 * if (isRollback(next, current)) keep(current);
 */
export function isRollback(next: Crl, known: Crl): boolean {
  const sameKind = (next.deltaCrlIndicator === undefined) === (known.deltaCrlIndicator === undefined);
  if (!sameKind || !sameScope(next, known)) return false;
  if (known.crlNumber !== undefined && (next.crlNumber === undefined || next.crlNumber < known.crlNumber)) return true;
  return next.thisUpdate < known.thisUpdate;
}

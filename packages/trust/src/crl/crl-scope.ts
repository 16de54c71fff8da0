import { ALL_REASONS, distributionPointNames } from '@countersign/pki';
import type { Crl } from '@countersign/pki';

import type { CrlPoint, PathEntry } from '../verdict/verdict.ts';
import { nameKeys } from './point-names.ts';

/** Which certificates a CRL is about, and for which reasons (issuingDistributionPoint, RFC 5280 section 5.2.5). */
export interface CrlScope {
  /** `Name.key` of who signed it. */
  readonly issuer: string;
  /** It may be about certificates of other issuers, who have named its issuer in them. */
  readonly indirect: boolean;
  readonly users: boolean;
  readonly cas: boolean;
  /** Names of its distribution point; undefined: certificates of any point. */
  readonly points: ReadonlySet<string> | undefined;
  /** Mask of ReasonFlags. */
  readonly reasons: number;
}

/** The scope that a CRL gives itself. */
export function scopeOf({ issuer, issuingDistributionPoint: point }: Crl): CrlScope {
  return {
    issuer: issuer.key,
    indirect: point?.indirectCrl === true,
    users: point?.onlyContainsCaCerts !== true,
    cas: point?.onlyContainsUserCerts !== true,
    points: point?.name === undefined ? undefined : new Set(nameKeys(distributionPointNames(point.name, issuer))),
    reasons: (point?.onlySomeReasons ?? ALL_REASONS) & ALL_REASONS,
  };
}

/** A text that is the same for two scopes exactly when they are: a CRL takes the place of the one before of its scope. */
export function scopeKey({ issuer, indirect, users, cas, points, reasons }: CrlScope): string {
  return JSON.stringify([issuer, indirect, users, cas, points === undefined ? null : [...points].toSorted(), reasons]);
}

/**
 * The reasons for which a CRL speaks for a certificate (RFC 5280 section 6.3.3 (b) and (d)), as a mask; 0: it does not.
 *
 * @param isOwn whether the CRL is signed with the very key that signed the certificate: two CAs may share a name, and a list
 *   that is not indirect speaks for its own alone.
 */
export function reasonsCovered(scope: CrlScope, entry: PathEntry, isOwn: boolean): number {
  if (!coversKind(scope, entry)) return 0;
  let reasons = 0;
  for (const point of entry.points) {
    if (speaksFor(scope, entry, point, isOwn)) reasons |= scope.reasons & point.reasons;
  }
  // Where every point names another issuer, the certificate's own has given the task away; else its lists count whatever
  // point they are of, as long as they do not name one.
  const hasGivenAway = entry.points.length > 0 && entry.points.every(({ issuers }) => issuers.length > 0);
  if (!hasGivenAway && isOwn && scope.issuer === entry.issuerName && coversPoint(scope, ownPoint(entry))) {
    reasons |= scope.reasons;
  }
  return reasons;
}

function coversKind({ users, cas }: CrlScope, { isCa, version }: PathEntry): boolean {
  if (isCa ? !cas : !users) return false;
  // Section 5.2.5: a list of one kind only has no certificates of version 1 or 2 in its scope.
  return version === 3 || (users && cas);
}

function speaksFor(scope: CrlScope, entry: PathEntry, point: CrlPoint, isOwn: boolean): boolean {
  const isNamed =
    point.issuers.length === 0
      ? !scope.indirect && isOwn && scope.issuer === entry.issuerName
      : scope.indirect && point.issuers.includes(scope.issuer);
  return isNamed && coversPoint(scope, point.names);
}

function coversPoint({ points }: CrlScope, names: readonly string[]): boolean {
  return points === undefined || names.some((name) => points.has(name));
}

function ownPoint({ issuerName }: PathEntry): readonly string[] {
  return [`directory:${issuerName}`];
}

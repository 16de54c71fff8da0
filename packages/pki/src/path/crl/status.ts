/** The revocation status of one certificate by CRLs: RFC 5280, 6.3.3. */

import type { Crl, CrlEntry } from '../../crl/crl.ts';
import type { CrlReason } from '../../crl/reasons.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { isNewer, nonconformity, staleness, type CrlAge } from './currency.ts';
import { newestDelta } from './delta.ts';
import { ALL_REASONS, coveredReasons, distributionPoints, isInScope, sameScope } from './scope.ts';

/** What CRLs say about a certificate. Anything but `good` and `revoked` is `unknown`, and why. */
export type CrlStatus =
  | { readonly status: 'good' }
  | {
      readonly status: 'revoked';
      readonly reason: CrlReason;
      /** Milliseconds since the epoch. */ readonly date: number;
    }
  | { readonly status: 'unknown'; readonly detail: string };

/** What the search for the status needs. */
export interface StatusInput {
  readonly crls: readonly Crl[];
  readonly age: CrlAge;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Whether lists must be what conforming CRL issuers make. */
  readonly strict: boolean;
  /** (f) to (h): whether the CRL is signed by a valid certificate of its issuer. */
  readonly isSigned: (crl: Crl) => boolean;
}

export function crlStatus(cert: Certificate, input: StatusInput): CrlStatus {
  const complete: Crl[] = [];
  const deltas: Crl[] = [];
  let why = input.crls.length === 0 ? 'no CRL at hand' : 'no CRL covers it';
  for (const crl of input.crls) {
    const problem = unusable(crl, input);
    if (problem === undefined) (crl.deltaCrlIndicator === undefined ? complete : deltas).push(crl);
    else if (distributionPoints(cert).some((point) => isInScope(crl, point, cert)))
      why = `a CRL covers it, but ${problem}`;
  }

  let reasonsLeft = ALL_REASONS;
  for (const point of distributionPoints(cert)) {
    const inScope = newestOfEachScope(complete.filter((crl) => isInScope(crl, point, cert)));
    for (const crl of inScope) {
      const covered = coveredReasons(crl, point) & reasonsLeft;
      if (covered === 0) continue;
      if (!input.isSigned(crl)) {
        why = 'a CRL covers it, but is not signed by its issuer';
        continue;
      }
      const delta = newestDelta(deltas, crl);
      const entry = entryOf(cert, crl, delta !== undefined && input.isSigned(delta) ? delta : undefined);
      if (entry !== undefined) return { status: 'revoked', reason: entry.reason, date: entry.revocationDate };
      reasonsLeft &= ~covered;
      if (reasonsLeft === 0) return { status: 'good' };
    }
  }
  return {
    status: 'unknown',
    detail: reasonsLeft === ALL_REASONS ? why : 'the CRLs that cover it do not cover every reason',
  };
}

function unusable(crl: Crl, { time, age, strict }: StatusInput): string | undefined {
  // 5.2, 5.3: such a list must not be used to find that a certificate is good.
  if (crl.unknownCriticalExtensions.length > 0) return 'it has a critical extension that is not known';
  return staleness(crl, time, age) ?? (strict ? nonconformity(crl) : undefined);
}

/** (i) to (k): a delta speaks first; what it removes is not revoked. */
function entryOf(cert: Certificate, crl: Crl, delta: Crl | undefined): CrlEntry | undefined {
  const entry = delta?.lookup(cert.serialNumber, cert.issuer) ?? crl.lookup(cert.serialNumber, cert.issuer);
  return entry?.reason === 'removeFromCRL' ? undefined : entry;
}

function newestOfEachScope(crls: readonly Crl[]): readonly Crl[] {
  if (crls.length < 2) return crls;
  const newest: Crl[] = [];
  for (const crl of crls) {
    const index = newest.findIndex((other) => sameScope(other, crl));
    if (index < 0) newest.push(crl);
    else if (isNewer(crl, newest[index]!)) newest[index] = crl;
  }
  return newest;
}

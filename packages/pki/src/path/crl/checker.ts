/** CRLs as the judge of a path's revocation. */

import type { Crl } from '../../crl/crl.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { fault } from '../checks.ts';
import type { RevocationChecker, UnrevokedCandidate } from '../revocation.ts';
import type { PathFault, PathOptions } from '../types.ts';
import type { CrlAge } from './currency.ts';
import { CrlSignatures, isSignedByIssuer } from './signer.ts';
import { crlStatus, type CrlStatus } from './status.ts';

/** How CRLs are used. */
export interface CrlCheckOptions extends CrlAge {
  /** Complete, delta and indirect CRLs in any order; those of strangers do no harm. */
  readonly crls: readonly Crl[];
  /** Whether every certificate below the trust anchor must be covered, or the leaf alone. Default `chain`. */
  readonly scope?: 'chain' | 'leaf';
}

/**
 * Judges a path by CRLs (RFC 5280, 6.3): complete and delta, direct and indirect, by distribution point and reason. The
 * lists' signatures are checked once and the results kept, so make one checker for a set of lists and use it for
 * every path.
 *
 * A list without nextUpdate counts only with `maxAge`. To refuse lists that go back in time, see {@link isRollback}.
 *
 * @example
 * buildAndValidate(leaf, { anchors, time, crypto, revocation: crlChecker({ crls: [parseCrl(der)], scope: 'leaf' }) });
 */
export function crlChecker(options: CrlCheckOptions): RevocationChecker {
  const signatures = new CrlSignatures();
  return (candidate, pathOptions) => judge(candidate, pathOptions, options, signatures, new Set());
}

function judge(
  candidate: UnrevokedCandidate,
  pathOptions: PathOptions,
  options: CrlCheckOptions,
  signatures: CrlSignatures,
  inProgress: Set<Certificate>,
): PathFault | undefined {
  const covered = options.scope === 'leaf' ? candidate.path.slice(0, 1) : candidate.path;
  let unknown: PathFault | undefined;
  for (const [index, cert] of covered.entries()) {
    const status = statusOf(cert, candidate, pathOptions, options, signatures, inProgress, index);
    if (status.status === 'revoked') return revoked(cert, status);
    if (status.status === 'unknown') unknown ??= fault('revocation_unknown', cert, status.detail);
  }
  return unknown;
}

function statusOf(
  cert: Certificate,
  { path, anchor }: UnrevokedCandidate,
  pathOptions: PathOptions,
  options: CrlCheckOptions,
  signatures: CrlSignatures,
  inProgress: Set<Certificate>,
  index: number,
): CrlStatus {
  // A certificate whose status hangs on itself has none.
  if (inProgress.has(cert)) return { status: 'unknown', detail: 'its status hangs on itself' };
  inProgress.add(cert);
  try {
    return crlStatus(cert, {
      crls: options.crls,
      age: options,
      time: Math.floor(pathOptions.time / 1000) * 1000,
      strict: pathOptions.strict === true || pathOptions.profile === 'webpki',
      isSigned: (crl) =>
        isSignedByIssuer(
          crl,
          { path: path.slice(index), anchor },
          pathOptions,
          signatures,
          (signer, inner) => judge(signer, inner, { ...options, scope: 'chain' }, signatures, inProgress) === undefined,
        ),
    });
  } finally {
    inProgress.delete(cert);
  }
}

function revoked(cert: Certificate, { reason, date }: CrlStatus & { status: 'revoked' }): PathFault {
  const code = reason === 'certificateHold' ? 'held' : 'revoked';
  return fault(code, cert, `${reason}, ${new Date(date).toISOString().replace('.000Z', 'Z')}`);
}

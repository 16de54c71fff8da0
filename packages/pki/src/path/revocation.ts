/** The seam between path validation and revocation. */

import type { Certificate } from '../x509/certificate.ts';
import type { PathFault, PathOptions, TrustAnchor } from './types.ts';

/** A path that is valid but for revocation. */
export interface UnrevokedCandidate {
  /** The leaf first; without the certificate of the trust anchor. */
  readonly path: readonly Certificate[];
  readonly anchor: TrustAnchor;
}

/**
 * Judges the revocation of a path. A fault makes the search look for another path.
 *
 * @returns the fault to report, or `undefined` when no certificate that has to be covered is revoked or of unknown status.
 */
export type RevocationChecker = (candidate: UnrevokedCandidate, options: PathOptions) => PathFault | undefined;

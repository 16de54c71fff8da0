import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import type { DistributionPoint } from '../x509/extensions/distribution-points.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import type { AccessDescription, AuthorityKeyIdentifier } from '../x509/extensions/identifiers.ts';
import type { GeneralName } from '../x509/general-name.ts';
import type { Name } from '../x509/name.ts';
import type { CrlEntryView } from './entries.ts';
import type { IssuingDistributionPoint } from './issuing-distribution-point.ts';
import type { CrlReason } from './reasons.ts';

/** One entry that {@link Crl.lookup} found. */
export interface CrlEntry {
  /** Content octets. */
  readonly serialNumber: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly revocationDate: number;
  readonly reason: CrlReason;
  /** Milliseconds since the epoch. */
  readonly invalidityDate: number | undefined;
  /** See `CrlEntryView.certificateIssuer`. */
  readonly certificateIssuer: readonly GeneralName[] | undefined;
}

/**
 * A certificate revocation list (RFC 5280 section 5), checked as a whole when it was parsed. Its entries stay octets.
 */
export interface Crl {
  /** The whole encoding: the caller's own memory, which must not change. */
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: Name;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch; RFC 5280 asks for it, X.509 does not. */
  readonly nextUpdate: number | undefined;
  readonly entryCount: number;
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  /** Identifiers of critical extensions, of the list or of any entry, that `pki` does not know: such a list says nothing about any certificate (sections 5.2 and 5.3). */
  readonly unknownCriticalExtensions: readonly string[];
  readonly crlNumber: bigint | undefined;
  /** BaseCRLNumber: the list is a delta (section 5.2.4). */
  readonly deltaCrlIndicator: bigint | undefined;
  readonly issuingDistributionPoint: IssuingDistributionPoint | undefined;
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  readonly authorityKeyId: AuthorityKeyIdentifier | undefined;
  readonly issuerAltName: readonly GeneralName[] | undefined;
  readonly authorityInfoAccess: readonly AccessDescription[] | undefined;

  /** Visits every entry in order, with one object for all; `false` from the visitor ends the walk. */
  forEachEntry(visit: (entry: CrlEntryView) => boolean | void): void;

  /**
   * The entry of a certificate, by the content octets of its serial number and its issuer. The first call makes an index
   * of about 12 octets an entry; each then takes less than a microsecond. Of several entries for one certificate the last counts.
   *
   * @param issuer the certificate's issuer; only an indirect list has entries of others than its own issuer
   */
  lookup(serialNumber: Uint8Array, issuer?: Name): CrlEntry | undefined;
}

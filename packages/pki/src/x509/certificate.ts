import type { AlgorithmIdentifier } from './algorithm.ts';
import type { NameConstraints } from './extensions/constraints.ts';
import type { DistributionPoint } from './extensions/distribution-points.ts';
import type { Extension } from './extensions/extension.ts';
import type { AccessDescription, AuthorityKeyIdentifier, DirectoryAttribute } from './extensions/identifiers.ts';
import type { PolicyConstraints, PolicyInformation, PolicyMapping } from './extensions/policies.ts';
import type { BasicConstraints, KeyUsage } from './extensions/usage.ts';
import type { GeneralName } from './general-name.ts';
import type { Name } from './name.ts';
import type { SubjectPublicKeyInfo } from './public-key.ts';

/**
 * A certificate (RFC 5280 section 4.1). All of it was checked when it was parsed; what costs memory is built when it is
 * first asked for, and kept. Everything is read-only, the octets too: they are the certificate's own copy.
 */
export interface Certificate {
  /** The whole encoding. */
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content octets of the serial number as encoded: zero, negative and overlong ones are kept for the judge of them. */
  readonly serialNumber: Uint8Array;
  /** Lower-case hexadecimal of {@link serialNumber} without leading 00, at least one octet. */
  readonly serialHex: string;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** The algorithm inside the signed part; equal to the one outside unless that was allowed to differ. */
  readonly tbsSignatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly subject: Name;
  /** First moment of validity, milliseconds since the epoch. */
  readonly notBefore: number;
  /** Last second of validity, milliseconds since the epoch. */
  readonly notAfter: number;
  readonly spki: SubjectPublicKeyInfo;
  readonly issuerUniqueId: Uint8Array | undefined;
  readonly subjectUniqueId: Uint8Array | undefined;
  /** Octets of the signature BIT STRING. */
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  /** Identifiers of critical extensions that `pki` does not decode: a path through this certificate fails. */
  readonly unknownCriticalExtensions: readonly string[];
  /** Whether an extension is there and critical. */
  isCritical(oid: string): boolean;

  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: KeyUsage | undefined;
  /** Dotted identifiers. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltName: readonly GeneralName[] | undefined;
  readonly issuerAltName: readonly GeneralName[] | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: AuthorityKeyIdentifier | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly certificatePolicies: readonly PolicyInformation[] | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  readonly inhibitAnyPolicy: number | undefined;
  readonly crlDistributionPoints: readonly DistributionPoint[] | undefined;
  readonly freshestCrl: readonly DistributionPoint[] | undefined;
  readonly authorityInfoAccess: readonly AccessDescription[] | undefined;
  readonly subjectInfoAccess: readonly AccessDescription[] | undefined;
  readonly subjectDirectoryAttributes: readonly DirectoryAttribute[] | undefined;
  /** TLS extension numbers of RFC 7633. */
  readonly tlsFeature: readonly number[] | undefined;
  /** TLS feature 5 (status_request) is asked for. */
  readonly mustStaple: boolean;
  /** RFC 6960 section 4.2.2.2.1. */
  readonly ocspNoCheck: boolean;
  /** Countersign's own profile name (1.3.6.1.4.1.59988.1). */
  readonly profile: string | undefined;
}

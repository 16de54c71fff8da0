/** What goes into path validation and what comes out of it. */

import type { Certificate } from '../x509/certificate.ts';
import type { NameConstraints } from '../x509/extensions/constraints.ts';
import type { KeyUsageName } from '../x509/extensions/usage.ts';
import type { Name } from '../x509/name.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';
import type { Crypto } from '../keys/crypto.ts';
import type { PathErrorCode } from './codes.ts';
import type { PolicyInput, PolicyResult } from './policy.ts';
import type { RevocationChecker } from './revocation.ts';
import type { SignatureCache } from './signatures.ts';

/**
 * A trust anchor (RFC 5280, 6.1.1 (d)): a name and a key, with the certificate they came in when there is one. The
 * certificate's own validity, basic constraints, key usage and name constraints then hold for the paths below it (RFC 5937).
 */
export interface TrustAnchor {
  readonly name: Name;
  readonly spki: SubjectPublicKeyInfo;
  readonly certificate?: Certificate;
  /** Constraints beyond those of the certificate. */
  readonly nameConstraints?: NameConstraints;
}

/** The trust anchor that a certificate stands for, self-signed or not. */
export function trustAnchor(certificate: Certificate): TrustAnchor {
  return { name: certificate.subject, spki: certificate.spki, certificate };
}

/**
 * Which rules hold beyond RFC 5280 section 6: `rfc5280` none, `webpki` what public server certificates must have (CABF
 * Baseline Requirements; implies `strict`), `spiffe` X.509-SVID.
 */
export type PathProfile = 'rfc5280' | 'webpki' | 'spiffe';

/**
 * Which algorithms verify: `modern`, or `legacy`, which adds DSA, SHA-1, SHA-224 and RSA from 1024 bits for test suites and
 * for looking at old chains. Never let a peer or a configuration file choose `legacy`.
 */
export type AlgorithmPolicy = 'modern' | 'legacy';

/** Limits of the work done for one chain. */
export interface PathBudget {
  /** Signatures checked, those found in a cache not counted. Default 128. */
  readonly signatures?: number;
  /** Candidate issuers looked at. Default 4,096. */
  readonly steps?: number;
  /** Certificates in a path, the trust anchor's not counted. Default 32. */
  readonly depth?: number;
  /** Names times constraints of one certificate. Default 1,048,576. */
  readonly nameComparisons?: number;
  /** Attempts reported. Default 16. */
  readonly attempts?: number;
}

/** Options of {@link buildAndValidate}. */
export interface PathOptions {
  readonly anchors: readonly TrustAnchor[];
  /** Any bag of certificates: order, duplicates and strangers do not matter. */
  readonly intermediates?: readonly Certificate[];
  /** The time to validate for, in milliseconds since the epoch; compared in whole seconds, as certificates have them. */
  readonly time: number;
  readonly crypto: Crypto;
  /** Default `rfc5280`. */
  readonly profile?: PathProfile;
  /**
   * Whether what RFC 5280 section 4 demands of conforming CAs is demanded here (key identifiers, criticality, name
   * syntax, serial numbers …). Default false: private CAs seldom conform, and section 6 does not ask for it.
   */
  readonly strict?: boolean;
  /** Rules that are not applied, by code: only those of the groups `issuer`, `webpki` and `spiffe`. */
  readonly without?: readonly PathErrorCode[];
  /** Default `modern`. */
  readonly algorithms?: AlgorithmPolicy;
  /** What the leaf is used for: decides key usage and extended key usage. Default `any`. */
  readonly purpose?: 'client' | 'server' | 'any';
  /** Key usages that the leaf must have, where it has the extension, besides what the purpose asks for. */
  readonly keyUsages?: readonly KeyUsageName[];
  /** Extended key usages (dotted) that the path must allow, instead of the purpose's own. */
  readonly extendedKeyUsages?: readonly string[];
  /** The host that the leaf must be for: see {@link matchHost}. */
  readonly host?: string;
  /** Most intermediates that are not self-issued. */
  readonly maxPathLength?: number;
  readonly policies?: PolicyInput;
  /** Judges the revocation of a path that is otherwise valid: see `crlChecker`. */
  readonly revocation?: RevocationChecker;
  /** For the rule `webpki_public_suffix`: whether the name is one under which anybody can register. */
  readonly isPublicSuffix?: (name: string) => boolean;
  readonly budget?: PathBudget;
  /** Signatures known from before; a cache of one's own may live as long as one likes. */
  readonly signatures?: SignatureCache;
}

/** Why a path was refused. */
export interface PathFault {
  readonly code: PathErrorCode;
  /** The certificate it failed at; absent when that is a trust anchor without a certificate. */
  readonly at: Certificate | undefined;
  /** For people: what exactly is wrong. */
  readonly detail: string;
}

/** A path that was tried: from the leaf to the certificate it failed at or to the trust anchor. */
export interface PathAttempt extends PathFault {
  readonly path: readonly Certificate[];
}

/** A valid path. */
export interface ValidPath {
  readonly ok: true;
  /** The leaf first; the trust anchor's certificate, where it has one, last. */
  readonly path: readonly Certificate[];
  readonly anchor: TrustAnchor;
  readonly policies: PolicyResult;
}

/** No valid path: the reason that the contract tells first, and every path tried, within the budget. */
export interface InvalidPath extends PathFault {
  readonly ok: false;
  readonly attempts: readonly PathAttempt[];
}

export type PathResult = ValidPath | InvalidPath;

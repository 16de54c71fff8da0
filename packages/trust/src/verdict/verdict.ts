import type { GeneralName } from '@countersign/pki';

import type { VerdictCode } from './refusal-codes.ts';

/** Who a certificate says its holder is. Everything here comes from the leaf of the *verified* path. */
export interface Identity {
  /** RFC 4514 string of the subject: for eyes and logs, never to be split by hand. */
  readonly subject: string;
  /** The common name, where the subject has exactly one of printable text. */
  readonly name: string | undefined;
  /** The subjectAltName as typed values. */
  readonly sans: readonly GeneralName[];
  /** RFC 4514 string of the issuer's name. */
  readonly issuer: string;
  /** SHA-256 of the SubjectPublicKeyInfo of the CA that signed the leaf: lower-case hex. */
  readonly issuerKeyHash: string;
  /** SHA-256 of the certificate: lower-case hex. */
  readonly fingerprintSha256: string;
  /** SHA-256 of the SubjectPublicKeyInfo: lower-case hex. */
  readonly spkiSha256: string;
  /** Lower-case hex of the serial number's magnitude. */
  readonly serialHex: string;
  /** Our own profile extension; only believed from our own CA. */
  readonly profile: string | undefined;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** DER. */
  readonly leafDer: Uint8Array;
  /** The verified path, leaf first, without its anchor: DER. */
  readonly chainDer: readonly Uint8Array[];
}

/** One distribution point of a certificate (RFC 5280 section 4.2.1.13): where a CRL must stand to speak for it. */
export interface CrlPoint {
  /** Its names in a form that can be compared; where it has none, those of its CRL issuer. */
  readonly names: readonly string[];
  /** `Name.key` of each CRL issuer; empty: the certificate's own issuer. */
  readonly issuers: readonly string[];
  /** The reasons that CRLs of this point tell of, as a mask of ReasonFlags. */
  readonly reasons: number;
}

/** One certificate of a verified path, as revocation knows it. */
export interface PathEntry {
  /** SHA-256 of the SubjectPublicKeyInfo of the CA that issued this certificate: lower-case hex. */
  readonly issuerKeyHash: string;
  /** `Name.key` of that CA's name. */
  readonly issuerName: string;
  readonly serialHex: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** Whether it is a CA's: CRLs may be about CAs only, or about others only. */
  readonly isCa: boolean;
  /** X.509 version 1 and 2 are in no CRL that is about one kind of certificate only. */
  readonly version: 1 | 2 | 3;
  /** Its distribution points, as it names them. */
  readonly points: readonly CrlPoint[];
  /** http and https URLs of its CA's OCSP responders (authorityInfoAccess). */
  readonly ocspUris: readonly string[];
  /** http and https URLs of its CA's CRLs. */
  readonly crlUris: readonly string[];
}

/** The peer is acceptable, as of `generation`. */
export interface Accepted {
  readonly ok: true;
  readonly identity: Identity;
  /** Leaf first, without the anchor: an anchor is not revoked but removed. */
  readonly path: readonly PathEntry[];
  /** SHA-256 of the anchor's SubjectPublicKeyInfo: lower-case hex. */
  readonly anchorKeyHash: string;
  /** Name of the bundle that the anchor is of. */
  readonly bundle: string;
  /** The earliest notAfter of the path (the anchor's certificate included): milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Generation of the trust state under which this was found. */
  readonly generation: number;
}

/** The peer is not acceptable. */
export interface Refused {
  readonly ok: false;
  readonly code: VerdictCode;
  /** The cause in words: for the operator, not for the peer. */
  readonly detail: string;
  /** How to mend it. */
  readonly mend: string;
  /** Subject of the certificate of the path that the refusal is about. */
  readonly at?: string | undefined;
  /**
   * A resumed session shows only the leaf, and the intermediates above it are not known here: closing the connection and
   * changing the ticket keys makes the next attempt a full handshake, which may well succeed.
   */
  readonly incomplete?: true | undefined;
  /**
   * The path would do but for what is not known of its revocation, and that may be asked for: `TrustState.wanted` tells of which
   * certificates. When the answers are there, judge anew.
   */
  readonly pending?: Accepted | undefined;
  /** Who was refused, as far as it could be read: for logs only. */
  readonly identity?: Partial<Identity> | undefined;
}

export type Verdict = Accepted | Refused;

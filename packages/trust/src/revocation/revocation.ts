/** RFC 5280 section 5.3.1: the reason codes and their numbers. 7 is not used there. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

const NAMES: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(REVOCATION_REASONS).map(([name, number]) => [number, name as RevocationReason]),
);

/** Whether `text` is a reason of RFC 5280, in its spelling. */
export function isRevocationReason(text: string): text is RevocationReason {
  return Object.hasOwn(REVOCATION_REASONS, text);
}

/** The name of a reason's number; `unspecified` for a number that RFC 5280 does not know: revoked is revoked. */
export function revocationReason(number: number): RevocationReason {
  return NAMES.get(number) ?? 'unspecified';
}

/** Which certificate is meant: serial numbers are only unique per issuer. */
export interface RevocationKey {
  /** SHA-256 of the issuing CA's SubjectPublicKeyInfo: lower-case hex. */
  readonly issuerKeyHash: string;
  /** Lower-case hex of the serial number's magnitude, without leading `00` beyond the one of zero. */
  readonly serialHex: string;
}

/** One revoked certificate. */
export interface Revocation extends RevocationKey {
  readonly reason: RevocationReason;
  /** Milliseconds since the epoch; kept to the second. */
  readonly revokedAt: number;
  /** The certificate's own end, milliseconds since the epoch, where known: kept to the day, rounded up. */
  readonly notAfter?: number | undefined;
}

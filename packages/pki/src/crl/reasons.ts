/** Reason codes of CRL entries (RFC 5280 section 5.3.1) by their numbers; 7 is not used. */
export const CRL_REASONS = {
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

export type CrlReason = keyof typeof CRL_REASONS;

const NAME_OF: readonly (CrlReason | undefined)[] = (() => {
  const table: (CrlReason | undefined)[] = Array.from({ length: 11 });
  for (const [name, code] of Object.entries(CRL_REASONS)) table[code] = name as CrlReason;
  return table;
})();

/** The name of a reason code, `undefined` for 7 and what is beyond. */
export function reasonName(code: number): CrlReason | undefined {
  return NAME_OF[code];
}

/** Reason codes that a peer may be told, in the contract's order of precedence (first that holds is told). */
export const REFUSAL_CODES = [
  'no_certificate',
  'malformed_certificate',
  'untrusted_issuer',
  'weak_key',
  'not_yet_valid',
  'expired',
  'wrong_usage',
  'name_not_permitted',
  'constraint_violated',
  'revoked',
  'revocation_unknown',
  'not_allowed',
  'misdirected',
  'bad_request',
  'upstream_unreachable',
  'upstream_invalid',
  'upstream_timeout',
  'revocation_stale',
  'starting',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** What a request can end with here: the contract's codes, and 404 for a host that is served and a path that is not. */
export type ProblemCode = RefusalCode | 'no_route';

/** What the tables of reasons hold for each. */

/** The refusal codes of the contract that a path can lead to, in their order of precedence. */
export const PATH_REFUSALS = [
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
] as const;

/** A refusal code of the contract. */
export type PathRefusal = (typeof PATH_REFUSALS)[number];

/**
 * Which demand a code belongs to: `path` is RFC 5280 section 6 and what every relying party checks; `issuer` what
 * RFC 5280 section 4 demands of conforming CAs, checked when the options say `strict`; `webpki` what the CA/Browser
 * Forum's Baseline Requirements demand of public server certificates; `spiffe` what an X.509-SVID must be.
 */
export type CodeGroup = 'path' | 'issuer' | 'webpki' | 'spiffe';

/** One reason. */
export interface CodeEntry {
  readonly refusal: PathRefusal;
  readonly group: CodeGroup;
  readonly section: string;
  readonly words: string;
}

export function entry(refusal: PathRefusal, group: CodeGroup, section: string, words: string): CodeEntry {
  return { refusal, group, section, words };
}

/** Why a text is no SPIFFE ID: one code per sentence of SPIFFE-ID, section 2. */
export type SpiffeIdProblem =
  | 'spiffe_too_long'
  | 'spiffe_scheme'
  | 'spiffe_trust_domain_missing'
  | 'spiffe_trust_domain_character'
  | 'spiffe_trust_domain_too_long'
  | 'spiffe_path_empty_segment'
  | 'spiffe_path_dot_segment'
  | 'spiffe_path_character';

export interface SpiffeId {
  /** The text itself: two IDs are equal when their texts are. */
  readonly uri: string;
  readonly trustDomain: string;
  /** Starts with `/`, or is empty for the ID of a trust domain. */
  readonly path: string;
}

export type SpiffeIdResult =
  | { readonly ok: true; readonly id: SpiffeId }
  | { readonly ok: false; readonly code: SpiffeIdProblem };

const scheme = 'spiffe://';
const maxUriLength = 2048;
const maxTrustDomainLength = 255;
const trustDomainCharacters = /^[a-z0-9._-]+$/;
const segmentCharacters = /^[A-Za-z0-9._-]+$/;

/**
 * Reads a SPIFFE ID, strictly: nothing is normalised, so that what is compared is what was written. Userinfo, port, query, fragment,
 * percent-encoding, upper case in the trust domain, empty and dot segments and a trailing slash are all refused by the character sets
 * (SPIFFE-ID, sections 2.1 to 2.4).
 *
 * @example
 * parseSpiffeId('spiffe://example.org/billing/payments');
 * // { ok: true, id: { uri: …, trustDomain: 'example.org', path: '/billing/payments' } }
 */
export function parseSpiffeId(uri: string): SpiffeIdResult {
  if (uri.length > maxUriLength) return { ok: false, code: 'spiffe_too_long' };
  if (!uri.startsWith(scheme)) return { ok: false, code: 'spiffe_scheme' };
  const rest = uri.slice(scheme.length);
  const slash = rest.indexOf('/');
  const trustDomain = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? '' : rest.slice(slash);
  if (trustDomain === '') return { ok: false, code: 'spiffe_trust_domain_missing' };
  if (trustDomain.length > maxTrustDomainLength) return { ok: false, code: 'spiffe_trust_domain_too_long' };
  if (!trustDomainCharacters.test(trustDomain)) return { ok: false, code: 'spiffe_trust_domain_character' };
  const segments = path === '' ? [] : path.slice(1).split('/');
  for (const segment of segments) {
    if (segment === '') return { ok: false, code: 'spiffe_path_empty_segment' };
    if (segment === '.' || segment === '..') return { ok: false, code: 'spiffe_path_dot_segment' };
    if (!segmentCharacters.test(segment)) return { ok: false, code: 'spiffe_path_character' };
  }
  return { ok: true, id: { uri, trustDomain, path } };
}

/**
 * Whether `id` is `prefix` or lies beneath it, segment by segment: `/billing` covers `/billing/payments` and not `/billing2`.
 *
 * @example
 * spiffeIdWithin(id, prefix); // both from parseSpiffeId
 */
export function spiffeIdWithin(id: SpiffeId, prefix: SpiffeId): boolean {
  if (id.trustDomain !== prefix.trustDomain) return false;
  return id.path === prefix.path || id.path.startsWith(`${prefix.path}/`);
}

import { z } from 'zod';

/** The media type of a problem (RFC 9457). */
export const problemMediaType = 'application/problem+json';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

/** Every code with which the authority's API answers, except the verdict's own (see `refusalCodes`). */
export const problemKinds = {
  bad_request: { status: 400, title: 'The request is not well-formed' },
  name_invalid: { status: 400, title: 'A name is not well-formed' },
  csr_invalid: { status: 400, title: 'The certificate request cannot be read' },
  csr_signature: { status: 400, title: 'The certificate request does not prove possession of its key' },
  key_not_allowed: { status: 400, title: 'The profile does not allow this kind or strength of key' },
  validity_invalid: { status: 400, title: 'The requested validity is not possible' },
  no_credentials: { status: 401, title: 'This needs a client certificate or a token' },
  token_invalid: { status: 401, title: 'The token is not one of ours' },
  token_expired: { status: 401, title: 'The token has expired' },
  token_used: { status: 401, title: 'The token was already used' },
  token_revoked: { status: 401, title: 'The token was revoked' },
  forbidden: { status: 403, title: 'These credentials do not allow this' },
  key_not_deliverable: { status: 403, title: 'A key that is made here cannot be encrypted to this client' },
  name_not_proven: { status: 403, title: 'A requested name is not among the proven names' },
  profile_forbids: { status: 403, title: 'The profile does not allow this' },
  key_revoked: { status: 403, title: 'This key was in a revoked certificate' },
  identity_blocked: { status: 403, title: 'This identity is blocked until an administrator allows it' },
  renewal_refused: { status: 403, title: 'This certificate cannot be renewed' },
  request_denied: { status: 403, title: 'An administrator has denied the request' },
  not_found: { status: 404, title: 'There is no such thing here' },
  unknown_certificate: { status: 404, title: 'No such certificate or name is known' },
  unknown_request: { status: 404, title: 'No such request is known' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  not_blocked: { status: 409, title: 'The identity is not blocked' },
  not_held: { status: 409, title: 'The certificate is not on hold' },
  request_decided: { status: 409, title: 'The request was decided already' },
  request_expired: { status: 410, title: 'Nobody approved the request in time' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported' },
  lint_failed: { status: 422, title: 'The certificate would not be well-formed' },
  too_many_requests: { status: 429, title: 'Too many requests wait for an administrator' },
  internal: { status: 500, title: 'The authority failed' },
  storage_failed: { status: 503, title: 'The store does not answer' },
  stopping: { status: 503, title: 'The authority is shutting down' },
  busy: { status: 503, title: 'The authority has too much of this to do' },
  issuer_unavailable: { status: 503, title: 'There is no issuing CA that can sign this' },
  storage_full: { status: 507, title: 'The disk is full' },
} as const satisfies Readonly<Record<string, ProblemKind>>;

/** A stable code of the authority's API. */
export type ProblemCode = keyof typeof problemKinds;

/**
 * The verdict's codes, in the order in which the first that holds is told. A client certificate that the authority does not
 * accept is refused with these too.
 */
export const refusalCodes = [
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

/** A refusal as RFC 9457 writes it; `code` is stable, `detail` is for people. */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  code: z.string(),
  detail: z.string(),
  correlationId: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

/** The header that carries the correlation id of a refusal. */
export const correlationIdHeader = 'Countersign-Correlation-Id';

/**
 * The error types of ACME with the HTTP status that each is answered with: RFC 8555, section 6.7; RFC 9773, section 7
 * (alreadyReplaced); draft-ietf-acme-profiles (invalidProfile).
 */
export const acmeErrors = {
  accountDoesNotExist: 400,
  alreadyReplaced: 409,
  alreadyRevoked: 400,
  badCSR: 400,
  badNonce: 400,
  badPublicKey: 400,
  badRevocationReason: 400,
  badSignatureAlgorithm: 400,
  connection: 400,
  dns: 400,
  externalAccountRequired: 403,
  incorrectResponse: 403,
  invalidContact: 400,
  invalidProfile: 400,
  malformed: 400,
  orderNotReady: 403,
  rateLimited: 429,
  rejectedIdentifier: 400,
  serverInternal: 500,
  tls: 400,
  unauthorized: 403,
  unsupportedContact: 400,
  unsupportedIdentifier: 400,
  userActionRequired: 403,
} as const;

/** The name of an error type, without its URN. */
export type AcmeErrorType = keyof typeof acmeErrors;

/** An identifier as ACME writes it (RFC 8555, section 9.7.7; RFC 8738 for `ip`). */
export interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** What one identifier of several is refused for (RFC 8555, section 6.7.1). */
export interface Subproblem {
  readonly type: AcmeErrorType;
  readonly detail: string;
  /** As it was sent: what is refused need not be an identifier of ours. */
  readonly identifier: { readonly type: string; readonly value: string };
}

/** A refusal of ACME, before it is written as a problem document. */
export interface AcmeProblem {
  readonly type: AcmeErrorType;
  readonly detail: string;
  /** Where it is not the type's own. */
  readonly status?: number;
  readonly subproblems?: readonly Subproblem[];
  /** Of badSignatureAlgorithm: what would have been taken (RFC 8555, section 6.2). */
  readonly algorithms?: readonly string[];
  /** When to try again. */
  readonly retryAfterSeconds?: number;
  /** Where to look, with its relation; a path is one of ours. */
  readonly link?: { readonly url: string; readonly rel: string };
  /** The path of what stands in the way: the account that a key has already (RFC 8555, section 7.3.5). */
  readonly location?: string;
}

/** An expected "no" of ACME. */
export interface AcmeRefused {
  readonly ok: false;
  readonly problem: AcmeProblem;
}

/** What was asked for, or why not. */
export type AcmeOutcome<T extends object> = ({ readonly ok: true } & T) | AcmeRefused;

/** A refusal as a value. */
export function deny(
  type: AcmeErrorType,
  detail: string,
  more: Omit<AcmeProblem, 'type' | 'detail'> = {},
): AcmeRefused {
  return { ok: false, problem: { type, detail, ...more } };
}

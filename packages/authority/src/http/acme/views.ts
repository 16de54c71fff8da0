import type { AuthorizationId } from '../../domain/acme/authorizations.ts';
import { formatCertificateId } from '../../domain/acme/certificate-id.ts';
import { nameOf } from '../../domain/acme/identifiers.ts';
import { acmeErrors } from '../../domain/acme/problem.ts';
import type { AcmeProblem } from '../../domain/acme/problem.ts';
import type { AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder } from '../../domain/acme/records.ts';
import type { CaSet } from '../../domain/ca.ts';
import type { AcmeUrls } from './urls.ts';

// What is kept, as RFC 8555, section 7.1 writes it.

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function urn(type: string): string {
  return `urn:ietf:params:acme:error:${type}`;
}

/** A problem document (RFC 8555, section 6.7). */
export function problemDocument(problem: AcmeProblem): Record<string, unknown> {
  const { type, detail, subproblems, algorithms } = problem;
  return {
    type: urn(type),
    detail,
    status: problem.status ?? acmeErrors[type],
    ...(algorithms && { algorithms }),
    // One alone is told by the problem itself.
    ...(subproblems && {
      subproblems: subproblems.map((one) => ({ ...one, type: urn(one.type) })),
    }),
  };
}

export function accountView(account: AcmeAccount, urls: AcmeUrls): object {
  const { status, contact, termsAgreed, id } = account;
  return {
    status,
    contact,
    ...(termsAgreed && { termsOfServiceAgreed: true }),
    orders: `${urls.account(id)}/orders`,
  };
}

export function orderView(order: AcmeOrder, urls: AcmeUrls, cas: CaSet): object {
  const { id, status, notBefore, notAfter, replaces } = order;
  return {
    status,
    expires: iso(order.expiresAt),
    identifiers: order.authorizations.map(nameOf),
    ...(order.profileNamed && { profile: order.profile }),
    ...(notBefore !== undefined && { notBefore: iso(notBefore) }),
    ...(notAfter !== undefined && { notAfter: iso(notAfter) }),
    ...(order.error && { error: problemDocument(order.error) }),
    ...(replaces && { replaces: formatCertificateId(replaces, cas) }),
    authorizations: order.authorizations.map((_, index) => urls.authorization({ order: id, index })),
    finalize: `${urls.order(id)}/finalize`,
    ...(order.certificate && { certificate: urls.certificate(id) }),
  };
}

export function challengeView(challenge: AcmeChallenge, id: AuthorizationId, urls: AcmeUrls): object {
  const { type, token, status, validatedAt, error } = challenge;
  return {
    type,
    url: urls.challenge(id, type),
    status,
    token,
    ...(validatedAt !== undefined && { validated: iso(validatedAt) }),
    ...(error && { error: problemDocument(error) }),
  };
}

export function authorizationView(
  order: AcmeOrder,
  authorization: AcmeAuthorization,
  id: AuthorizationId,
  urls: AcmeUrls,
  now: number,
): object {
  const { identifier, wildcard, status, challenges } = authorization;
  // Once it is decided, what has decided it is told (RFC 8555, section 7.1.4).
  const decided = status === 'valid' || status === 'invalid';
  const shown = decided ? challenges.filter((one) => one.status === status) : challenges;
  return {
    identifier,
    ...(wildcard && { wildcard }),
    status: status === 'pending' && order.expiresAt < now ? 'expired' : status,
    expires: iso(order.expiresAt),
    challenges: shown.map((challenge) => challengeView(challenge, id, urls)),
  };
}

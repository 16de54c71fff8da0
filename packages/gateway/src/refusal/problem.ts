/** Refusals as the peer sees them: RFC 9457 problem documents that say the code and the id, and nothing of the inside. */
import { problemDocument, refusal } from '@countersign/trust';
import type { ProblemCode } from './codes.ts';

export interface Problem {
  readonly status: number;
  readonly code: ProblemCode;
  readonly correlationId: string;
  /** The document, JSON in UTF-8. */
  readonly body: string;
  /** Names in lower case; of the document itself, without `content-length`. */
  readonly fields: Readonly<Record<string, string>>;
}

const NO_ROUTE = {
  status: 404,
  title: 'Nothing is served under this path',
  mend: 'Check the path, or let the operator add a route for it.',
};

/**
 * The document for a refusal.
 *
 * @example describeProblem('no_certificate', 'c1-1').status // 401
 */
export function describeProblem(code: ProblemCode, correlationId: string): Problem {
  const entry = code === 'no_route' ? NO_ROUTE : refusal(code);
  return { status: entry.status, code, correlationId, ...problemDocument(code, entry, correlationId) };
}

/** Codes after which the connection closes, whatever the client still sends. */
export function closesConnection(code: ProblemCode): boolean {
  const { status } = code === 'no_route' ? NO_ROUTE : refusal(code);
  return status === 401 || status === 403 || status === 503 || code === 'bad_request';
}

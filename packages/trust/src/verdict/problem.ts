import type { RefusalEntry } from './refusal-codes.ts';

/** A refusal as the peer sees it: an RFC 9457 problem document that says the code and the id, and nothing of the inside. */
export interface ProblemDocument {
  /** JSON in UTF-8. */
  readonly body: string;
  /** Names in lower case; of the document itself, without `content-length`. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * The document for a refusal.
 *
 * @example problemDocument('expired', refusal('expired'), 'c1-1').fields['content-type'] // 'application/problem+json'
 */
export function problemDocument(
  code: string,
  { status, title, mend }: RefusalEntry,
  correlationId: string,
): ProblemDocument {
  const type = `urn:countersign:problem:${code}`;
  const body = JSON.stringify({ type, title, status, code, detail: mend, correlationId });
  const fields: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'countersign-correlation-id': correlationId,
  };
  // The scheme of "no certificate" as the contract names it; a 401 must have the field (RFC 9110 section 11.6.1).
  if (status === 401) fields['www-authenticate'] = 'ClientCertificate';
  return { body: `${body}\n`, fields };
}

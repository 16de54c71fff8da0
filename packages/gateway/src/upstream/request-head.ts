/** The head of a request as an HTTP/1.1 upstream gets it. */
import { CHUNKED, NO_BODY } from '../http1/body.ts';
import type { UpstreamRequest } from './exchange.ts';

/** @param basePath path of the upstream's URL, without a slash at its end */
export function writeRequestHead(request: UpstreamRequest, basePath: string): string {
  let head = `${request.method} ${basePath}${request.target} HTTP/1.1\r\nHost: ${request.host}\r\n${request.fields}`;
  if (request.framing === CHUNKED) head += 'Transfer-Encoding: chunked\r\n';
  else if (request.framing !== NO_BODY) head += `Content-Length: ${request.framing}\r\n`;
  if (request.expectsContinue) head += 'Expect: 100-continue\r\n';
  if (request.upgrade !== undefined) head += `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
  else if (request.acceptsTrailers) head += 'Connection: TE\r\nTE: trailers\r\n';
  return `${head}\r\n`;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether the request may be sent twice: idempotent (RFC 9110 section 9.2.2), and nothing of it is gone with a first try. */
export function isReplayable(request: UpstreamRequest): boolean {
  const hasBody = request.framing === CHUNKED || request.framing > 0;
  return !hasBody && request.upgrade === undefined && IDEMPOTENT.has(request.method);
}

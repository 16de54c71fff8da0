import { request as send } from 'node:https';
import type { Agent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** The same streams, as the platform's and the browser's types each see them. */
type NodeStream = Parameters<typeof Readable.fromWeb>[0];

const MAX_REDIRECTS = 20;
/** Answers that have no body (Fetch standard, "null body status"). */
const WITHOUT_BODY = new Set([101, 103, 204, 205, 304]);

/**
 * `fetch` over an agent: requests and answers are the platform's own `Request` and `Response`. Only https; redirects are followed
 * to https alone, and never with a body or with credentials to another origin. Nothing is decompressed: no compression is asked for.
 */
export function identityFetch(agent: Agent): (input: string | URL | Request, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    let request = new Request(input, init);
    for (let redirects = 0; ; redirects += 1) {
      const response = await exchange(request, agent);
      const location = isRedirect(response.status) ? response.headers.get('location') : null;
      if (location === null || request.redirect === 'manual') return response;
      await response.body?.cancel();
      if (request.redirect === 'error' || redirects >= MAX_REDIRECTS) throw new TypeError('fetch failed: redirected');
      request = redirected(request, response.status, new URL(location, request.url));
    }
  };
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function redirected(request: Request, status: number, target: URL): Request {
  const headers = new Headers(request.headers);
  if (new URL(request.url).origin !== target.origin) {
    for (const name of ['authorization', 'cookie', 'proxy-authorization', 'host']) headers.delete(name);
  }
  const safe = request.method === 'GET' || request.method === 'HEAD';
  if (!safe && (status === 307 || status === 308)) throw new TypeError('fetch failed: a body cannot be sent again');
  for (const name of ['content-type', 'content-length', 'content-encoding', 'content-language']) headers.delete(name);
  const { signal, redirect } = request;
  return new Request(target, { method: safe ? request.method : 'GET', headers, signal, redirect });
}

async function exchange(request: Request, agent: Agent): Promise<Response> {
  const url = new URL(request.url);
  if (url.protocol !== 'https:') throw new TypeError('fetch failed: only https carries an identity');
  request.signal.throwIfAborted();
  const outgoing = send(url, {
    agent,
    method: request.method,
    headers: Object.fromEntries(request.headers),
    signal: request.signal,
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => reject(request.signal.aborted ? (request.signal.reason as Error) : failed(error)));
  });
  const body: unknown = request.body;
  if (body === null) outgoing.end();
  else await Promise.race([pipeline(Readable.fromWeb(body as NodeStream), outgoing), answered]);
  return toResponse(await answered, request.method);
}

function toResponse(incoming: IncomingMessage, method: string): Response {
  const { statusCode: status = 502, statusMessage: statusText = '', rawHeaders } = incoming;
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  if (method === 'HEAD' || WITHOUT_BODY.has(status)) {
    incoming.resume();
    return new Response(null, { status, statusText, headers });
  }
  return new Response(Readable.toWeb(incoming) as ConstructorParameters<typeof Response>[0], {
    status,
    statusText,
    headers,
  });
}

function failed(error: Error): TypeError {
  return new TypeError(`fetch failed: ${error.message}`, { cause: error });
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { authenticate } from '../../domain/acme/authenticate.ts';
import type { Arrival, Signed, SignedBy } from '../../domain/acme/authenticate.ts';
import type { AcmeContext } from '../../domain/acme/context.ts';
import { acmeErrors, deny } from '../../domain/acme/problem.ts';
import type { AcmeOutcome, AcmeProblem } from '../../domain/acme/problem.ts';
import { accountIdIn, acmeUrls } from './urls.ts';
import type { AcmeUrls } from './urls.ts';
import { problemDocument } from './views.ts';

/** What the exchange of signed requests stands on. */
export interface ExchangeParts {
  readonly context: AcmeContext;
  /** The base of the URLs that a Host field stands for, where that is one of the listener's own. */
  readonly baseOf: (host: string | undefined) => string | undefined;
  /** The one base of all URLs, where something stands before the listener. */
  readonly publicUrl?: string | undefined;
  readonly log: Logger;
}

/** What a request is answered with. */
export interface Answer {
  readonly status?: number;
  /** An object goes out as JSON. */
  readonly body?: object | string;
  readonly mediaType?: string;
  /** The resource that was made. */
  readonly location?: string;
  /** Further links, with their relations. */
  readonly links?: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number | undefined;
}

/** A signed request, ready to be handled. */
export interface Exchange {
  readonly signed: Signed;
  readonly urls: AcmeUrls;
  readonly arrival: Arrival;
  readonly request: FastifyRequest;
}

export type Handle = (exchange: Exchange) => Promise<AcmeOutcome<{ answer: Answer }>>;

/** Where a request has come, or undefined where it was not meant for this listener. */
export function urlsFor(parts: ExchangeParts, request: FastifyRequest): AcmeUrls | undefined {
  const base = parts.publicUrl ?? parts.baseOf(request.headers.host);
  return base === undefined ? undefined : acmeUrls(base);
}

const misdirected = deny('malformed', 'this host is not one of this authority', { status: 421 });

/** Puts a resource on the server that takes signed requests. */
export function serveSigned(
  app: FastifyInstance,
  parts: ExchangeParts,
  path: string,
  by: SignedBy,
  handle: Handle,
): void {
  const { context } = parts;
  const isOwnBase = (base: string): boolean =>
    parts.publicUrl === base || parts.baseOf(base.slice('https://'.length)) === base;

  app.post(path, async (request, reply) => {
    const urls = urlsFor(parts, request);
    if (urls === undefined) return sendProblem(parts, reply, undefined, misdirected.problem);
    const arrival: Arrival = {
      url: `${urls.base}${request.url}`,
      accountOf: (url) => accountIdIn(url, isOwnBase),
    };
    const body = typeof request.body === 'string' ? request.body : '';
    const known = await authenticate(context, body, arrival, by);
    const outcome = known.ok ? await handle({ signed: known.signed, urls, arrival, request }) : known;
    if (!outcome.ok) return sendProblem(parts, reply, urls, outcome.problem);
    return send(reply.header('replay-nonce', context.nonces.issue()), urls, outcome.answer);
  });
  // Everything but what is signed (RFC 8555, section 6.3).
  app.route({
    method: ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'],
    url: path,
    exposeHeadRoute: false,
    handler: (request, reply) => {
      reply.header('allow', 'POST');
      const problem: AcmeProblem = { type: 'malformed', detail: 'this takes signed requests only', status: 405 };
      return sendProblem(parts, reply, urlsFor(parts, request), problem);
    },
  });
}

/** Answers. */
export function send(reply: FastifyReply, urls: AcmeUrls, answer: Answer): FastifyReply {
  const { body, location, links = {}, retryAfterSeconds } = answer;
  const all = { index: urls.directory(), ...links };
  reply.header(
    'link',
    Object.entries(all).map(([rel, url]) => `<${url}>;rel="${rel}"`),
  );
  if (location !== undefined) reply.header('location', location);
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  reply.code(answer.status ?? 200);
  if (body === undefined) return reply.send();
  if (typeof body === 'string') return reply.type(answer.mediaType ?? 'text/plain').send(body);
  return sendJson(reply, 'application/json', body);
}

/** JSON as octets: fastify gives a text the charset that these media types do not have. */
export function sendJson(reply: FastifyReply, mediaType: string, value: object): FastifyReply {
  return reply.type(mediaType).send(Buffer.from(JSON.stringify(value)));
}

/** Answers with a problem document, and with a nonce for the next try (RFC 8555, section 6.5). */
export function sendProblem(
  parts: ExchangeParts,
  reply: FastifyReply,
  urls: AcmeUrls | undefined,
  problem: AcmeProblem,
): FastifyReply {
  const status = problem.status ?? acmeErrors[problem.type];
  const { link, location, retryAfterSeconds, type, detail } = problem;
  const { method, url } = reply.request;
  parts.log[status >= 500 ? 'error' : 'info']({ status, type, detail, method, url }, 'refused');
  const links = [
    ...(urls === undefined ? [] : [`<${urls.directory()}>;rel="index"`]),
    ...(link === undefined ? [] : [`<${link.url}>;rel="${link.rel}"`]),
  ];
  if (links.length > 0) reply.header('link', links);
  if (location !== undefined && urls !== undefined) reply.header('location', urls.path(location));
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  if (method === 'POST') reply.header('replay-nonce', parts.context.nonces.issue());
  // Where the user has to act is where that is explained (RFC 8555, section 7.3.3).
  const instance = link !== undefined && type === 'userActionRequired' ? { instance: link.url } : {};
  const document = { ...problemDocument(problem), ...instance };
  return sendJson(reply.code(status), 'application/problem+json', document);
}

import { METHODS } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buildOcspError } from '@countersign/pki';
import { bodyOf } from '../domain/ocsp/answer-cache.ts';
import type { Answer } from '../domain/ocsp/answer-cache.ts';
import { octetsOf } from '../domain/ocsp/canonical-request.ts';
import type { OcspResponder } from '../domain/ocsp/ocsp-responder.ts';
import type { Clock } from '../domain/ports.ts';
import { httpDates } from './http-date.ts';
import type { PublicExchange, PublicRoute } from './public.ts';
import type { QuickAnswer } from './quick-connections.ts';
import type { WholeRequest } from './whole-request.ts';

const path = '/ocsp';
const requestType = 'application/ocsp-request';
const responseType = 'application/ocsp-response';

/** A hundred CertIDs of SHA-512 have room in it. */
const maxBodyBytes = 32 << 10;

/**
 * The OCSP responder over HTTP (RFC 6960, appendix A; RFC 5019, sections 5 and 6): POST /ocsp and GET /ocsp/BASE64. Whatever is asked, the
 * body of the answer is an OCSP response.
 */
export function ocspRoute(responder: OcspResponder, clock: Clock): PublicRoute {
  return {
    prefix: path,
    methods: METHODS,
    answer: async (exchange) => {
      if (exchange.path !== path && !exchange.path.startsWith(`${path}/`)) return false;
      await answer(responder, clock, exchange);
      return true;
    },
    atOnce: (request) => answerAtOnce(responder, clock, request),
  };
}

/** What `answer` would send, where that takes no waiting. */
function answerAtOnce(responder: OcspResponder, clock: Clock, { head, body }: WholeRequest): QuickAnswer | undefined {
  if (head.method === 'POST') {
    if (head.target !== path || head.contentType !== requestType) return undefined;
    const atHand = responder.atHand(body);
    const answered = atHand === undefined ? responder.live(body) : bodyOf(atHand);
    return answered === undefined ? undefined : { fields: ownFields(answered), body: answered };
  }
  const asked = head.target.startsWith(`${path}/`) ? readPath(head.target) : undefined;
  const answer = asked === undefined ? undefined : responder.atHand(asked);
  if (answer === undefined) return undefined;
  const content = bodyOf(answer);
  return { fields: [...sharedFields(answer, clock()), ...contentFields(content)], body: content };
}

async function answer(responder: OcspResponder, clock: Clock, exchange: PublicExchange): Promise<void> {
  const { request, response } = exchange;
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      request.resume();
      return answerGet(responder, clock, exchange);
    case 'POST':
      return answerPost(responder, request, response);
    default:
      request.resume();
      refuse(response, 405, { allow: 'GET, HEAD, POST' });
  }
}

async function answerGet(responder: OcspResponder, clock: Clock, exchange: PublicExchange): Promise<void> {
  const { request, response } = exchange;
  const asked = readPath(exchange.path);
  // No proxy needs to be told twice what is wrong with a URL.
  if (asked === undefined) return refuse(response, 200);
  const atHand = responder.atHand(asked);
  if (atHand !== undefined) return sendAnswer(atHand, request, response, clock());
  const reply = await responder.respond(octetsOf(asked));
  if (reply.kind === 'answer') sendAnswer(reply.answer, request, response, clock());
  else send(response, reply.body);
}

async function answerPost(responder: OcspResponder, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.headers['content-type']?.toLowerCase() !== requestType) {
    request.resume();
    return refuse(response, 415, { accept: requestType });
  }
  const read = await readBody(request);
  if (read === 'too long') return refuse(response, 413, { connection: 'close' });
  // Nobody is there to be answered.
  if (read === 'cut off') return;
  const { body } = read;
  const atHand = responder.atHand(body);
  if (atHand !== undefined) return send(response, bodyOf(atHand));
  const live = responder.live(body);
  if (live !== undefined) return send(response, live);
  const reply = await responder.respond(octetsOf(body));
  send(response, reply.kind === 'answer' ? bodyOf(reply.answer) : reply.body);
}

/**
 * The request in a path (RFC 6960, appendix A.1): base64, with or without its `/`, `+` and `=` percent-encoded. A slash too many before it
 * comes from a base URL that ends in one; no request begins with it.
 */
export function readPath(url: string): string | undefined {
  let text = url.slice(path.length).replace(/^\/+/u, '');
  if (text.includes('%')) {
    try {
      text = decodeURIComponent(text);
    } catch {
      return undefined;
    }
  }
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/u.test(text)) return undefined;
  return Buffer.from(text, 'base64').toString('latin1');
}

type Body = { readonly body: string } | 'too long' | 'cut off';

/** The body, one character an octet. */
function readBody(request: IncomingMessage): Promise<Body> {
  const { promise, resolve } = Promise.withResolvers<Body>();
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
    request.resume();
    resolve('too long');
    return promise;
  }
  let body = '';
  request.on('data', (chunk: Buffer) => {
    // What comes after too much is not kept.
    if (body.length + chunk.length > maxBodyBytes) resolve('too long');
    else body += chunk.toString('latin1');
  });
  request.on('end', () => resolve({ body }));
  request.on('close', () => resolve('cut off'));
  return promise;
}

function sendAnswer(answer: Answer, request: IncomingMessage, response: ServerResponse, now: number): void {
  const shared = sharedFields(answer, now);
  if (isKnown(request.headers['if-none-match'], answer.etag)) {
    response.writeHead(304, shared).end();
    return;
  }
  const body = bodyOf(answer);
  response.writeHead(200, [...shared, ...contentFields(body)]);
  response.end(request.method === 'HEAD' ? undefined : body, 'latin1');
}

function send(response: ServerResponse, body: string): void {
  response.writeHead(200, ownFields(body)).end(body, 'latin1');
}

/** RFC 5019, section 6.2: until there is another answer, every cache may give this one. */
function sharedFields({ thisUpdate, nextUpdate, etag }: Answer, now: number): string[] {
  const fields = ['etag', etag, 'last-modified', modified(thisUpdate), 'expires', expires(nextUpdate)];
  const maxAge = Math.floor((nextUpdate - now) / 1000);
  fields.push('cache-control', `max-age=${maxAge}, public, no-transform, must-revalidate`);
  return fields;
}

/** For whoever asked alone. */
function ownFields(body: string): string[] {
  return [...contentFields(body), 'cache-control', 'no-store'];
}

function contentFields(body: string): readonly string[] {
  return ['content-type', responseType, 'content-length', String(body.length)];
}

const malformed = buildOcspError('malformedRequest');

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  const all = { ...headers, 'content-type': responseType, 'content-length': malformed.length };
  response.writeHead(status, { ...all, 'cache-control': 'no-store' }).end(malformed);
}

/** RFC 9110, section 13.1.2. */
function isKnown(tags: string | undefined, etag: string): boolean {
  return tags !== undefined && tags.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()));
}

// Answers that were signed in bulk have the same.
const modified = httpDates();
const expires = httpDates();

import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { PublicExchange, PublicRoute } from './public.ts';

/** What stands under a path. */
export interface Published {
  readonly mediaType: string;
  /** With its quotes: the same exactly as long as every octet is. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
  /** How long caches may keep it without asking again. */
  readonly maxAgeSeconds: number;
  /** How many octets there are. */
  readonly length: number;
  /** All octets, or pieces that are read while they are sent. */
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>);
}

/** From how many octets on an answer is one of the long ones, of which only so many are under way at once. */
const longOctets = 1 << 20;
const longAnswersLimit = 64;

/** How long a reader may take no octet of a long answer. */
const stallMs = 30_000;

/** A route of published octets: conditional requests (RFC 9110, section 13), HEAD, and a bound on how many long answers are under way. */
export function publishedRoute(
  prefix: string,
  find: (path: string) => Promise<Published | undefined> | Published | undefined,
): PublicRoute {
  let longAnswers = 0;
  return {
    prefix,
    methods: ['GET', 'HEAD'],
    answer: async ({ path, request, response }) => {
      // Whatever body comes along is not read.
      request.resume();
      const found = await find(path);
      if (found === undefined) return false;
      if (found.length < longOctets || request.method === 'HEAD') return answer(found, { path, request, response });
      if (longAnswers >= longAnswersLimit) {
        response.writeHead(503, { 'retry-after': '5' }).end();
        return true;
      }
      longAnswers += 1;
      try {
        return await answer(found, { path, request, response });
      } finally {
        longAnswers -= 1;
      }
    },
  };
}

async function answer(found: Published, { request, response }: PublicExchange): Promise<true> {
  const headers = {
    etag: found.etag,
    'last-modified': new Date(found.lastModified).toUTCString(),
    'cache-control': `public, max-age=${found.maxAgeSeconds}`,
  };
  if (isUnchanged(request, found)) {
    response.writeHead(304, headers).end();
    return true;
  }
  response.writeHead(200, { ...headers, 'content-type': found.mediaType, 'content-length': found.length });
  if (request.method === 'HEAD') response.end();
  else if (found.content instanceof Uint8Array) response.end(found.content);
  else await send(found.content(), response);
  return true;
}

/** Sends pieces no faster than the reader takes them; a reader may leave. */
async function send(pieces: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<void> {
  response.setTimeout(stallMs, () => response.destroy());
  try {
    await pipeline(pieces, response);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** RFC 9110, section 13.2.2: the tag where the client has one, else the date. */
function isUnchanged(request: IncomingMessage, { etag, lastModified }: Published): boolean {
  const tags = request.headers['if-none-match'];
  if (tags !== undefined) {
    if (tags.trim() === '*') return true;
    return tags.split(',').some((tag) => tag.trim().replace(/^W\//u, '') === etag);
  }
  const since = request.headers['if-modified-since'];
  // A date tells seconds; one that cannot be read is not there.
  return since !== undefined && Math.floor(lastModified / 1000) * 1000 <= Date.parse(since);
}

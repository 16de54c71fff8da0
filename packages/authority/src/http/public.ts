import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { CaSet } from '../domain/ca.ts';
import { sha256Hex } from '../domain/ca.ts';
import type { Clock, Store } from '../domain/ports.ts';

interface Published {
  readonly der: Uint8Array;
  readonly mediaType: string;
  readonly lastModified: number;
  readonly maxAgeSeconds: number;
}

/** What the plain listener publishes: everything it serves is signed, so it needs no TLS. */
export interface PublicParts {
  readonly store: Store;
  readonly cas: () => CaSet;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long caches may keep a CRL: a revocation is to be seen by whoever fetches. */
const crlMaxAgeSeconds = 60;
const caMaxAgeSeconds = 86_400;

/** The plain HTTP listener: CRLs and CA certificates as DER, where the certificates say they are. */
export function publicServer(parts: PublicParts): Server {
  return createServer({ requestTimeout: 10_000, maxHeaderSize: 8192 }, (request, response) => {
    answer(parts, request, response).catch((error: unknown) => {
      parts.log.error({ err: error, url: request.url }, 'cannot publish');
      if (!response.headersSent) response.writeHead(503);
      response.end();
    });
  });
}

async function answer(parts: PublicParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Whatever body comes along is not read.
  request.resume();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const [path = ''] = (request.url ?? '').split('?');
  const found = await find(parts, path);
  if (found === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  const etag = `"${sha256Hex(found.der).slice(0, 32)}"`;
  const headers = {
    etag,
    'last-modified': new Date(found.lastModified).toUTCString(),
    'cache-control': `public, max-age=${found.maxAgeSeconds}`,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'content-type': found.mediaType, 'content-length': found.der.length });
  response.end(request.method === 'HEAD' ? undefined : found.der);
}

async function find({ store, cas, clock }: PublicParts, path: string): Promise<Published | undefined> {
  const { root, issuing } = cas();
  const matched = /^\/(?<kind>crl|ca)\/(?<id>root|issuing-\d{1,6})(?:\/(?<partition>\d{1,4}))?\.(?:crl|crt)$/u.exec(
    path,
  );
  const { kind, id, partition = '0' } = matched?.groups ?? {};
  const ca = [root, ...issuing].find((one) => one.id === id);
  if (ca === undefined) return undefined;
  if (kind === 'ca') {
    const { der, notBefore } = ca.certificate;
    const mediaType = 'application/pkix-cert';
    return path === `/ca/${ca.id}.crt`
      ? { der, mediaType, lastModified: notBefore, maxAgeSeconds: caMaxAgeSeconds }
      : undefined;
  }
  // One file with everything stands beside the partitions.
  if (path !== `/crl/${ca.id}.crl` && (ca === root || path !== `/crl/${ca.id}/${partition}.crl`)) return undefined;
  const crl = await store.crl(ca.keyHash, Number(partition));
  if (crl === undefined) return undefined;
  const left = Math.max(0, Math.floor((crl.nextUpdate - clock()) / 1000));
  const maxAgeSeconds = Math.min(crlMaxAgeSeconds, left);
  return { der: crl.der, mediaType: 'application/pkix-crl', lastModified: crl.thisUpdate, maxAgeSeconds };
}

import type { CaSet } from '../domain/ca.ts';
import { issuersOf, sha256Hex } from '../domain/ca.ts';
import { crlOfPath } from '../domain/crl/scopes.ts';
import type { Clock, Store, StoredCrl } from '../domain/ports.ts';
import type { PublicRoute } from './public.ts';
import { publishedRoute } from './published.ts';
import type { Published } from './published.ts';

/** How long caches may keep a CRL: a revocation is to be seen by whoever fetches. */
const crlMaxAgeSeconds = 60;
const caMaxAgeSeconds = 86_400;

function caOfPath(cas: CaSet, id: string | undefined) {
  return [cas.root, ...issuersOf(cas)].find((one) => one.id === id);
}

/** The certificates of our CAs, where authorityInfoAccess says they are: `/ca/issuing-1.crt`. */
export function caRoute(cas: () => CaSet): PublicRoute {
  return publishedRoute('/ca/', (path) => {
    const id = /^\/ca\/(?<id>root|issuing-\d{1,6})\.crt$/u.exec(path)?.groups?.['id'];
    const certificate = caOfPath(cas(), id)?.certificate;
    if (certificate === undefined) return undefined;
    const { der, notBefore } = certificate;
    return {
      mediaType: 'application/pkix-cert',
      etag: `"${sha256Hex(der).slice(0, 32)}"`,
      lastModified: notBefore,
      maxAgeSeconds: caMaxAgeSeconds,
      length: der.length,
      content: der,
    };
  });
}

/** The CRLs, where cRLDistributionPoints says they are, and beside the partitions of a CA the full list and its delta. */
export function crlRoute(store: Store, cas: () => CaSet, clock: Clock): PublicRoute {
  return publishedRoute('/crl/', async (path) => {
    const named = crlOfPath(path);
    const ca = caOfPath(cas(), named?.caId);
    if (named === undefined || ca === undefined) return undefined;
    // Whoever signs the next may take away the pieces of this one before they are read: then the next is there.
    for (let tries = 0; tries < 3; tries++) {
      const crl = await store.crl(ca.keyHash, named.scope);
      const first = crl && (await store.crlPiece(ca.keyHash, crl.scope, crl.number, 0));
      if (crl !== undefined && first !== undefined) return publishedCrl(store, crl, first, clock());
    }
    return undefined;
  });
}

function publishedCrl(store: Store, crl: StoredCrl, first: Uint8Array, now: number): Published {
  const { issuer, number, thisUpdate, nextUpdate, bytes } = crl;
  const left = Math.max(0, Math.floor((nextUpdate - now) / 1000));
  return {
    mediaType: 'application/pkix-crl',
    // A number is never used twice.
    etag: `"${issuer.slice(0, 16)}-${number}"`,
    lastModified: thisUpdate,
    maxAgeSeconds: Math.min(crlMaxAgeSeconds, left),
    length: bytes,
    content: first.length === bytes ? first : () => pieces(store, crl, first),
  };
}

async function* pieces(store: Store, { issuer, scope, number, bytes }: StoredCrl, first: Uint8Array) {
  yield first;
  for (let sent = first.length, i = 1; sent < bytes; i++) {
    const piece = await store.crlPiece(issuer, scope, number, i);
    if (piece === undefined) throw new Error(`CRL ${number} was replaced twice while it was sent`);
    sent += piece.length;
    yield piece;
  }
}

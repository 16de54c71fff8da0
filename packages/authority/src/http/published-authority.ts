import type { CaSet } from '../domain/ca.ts';
import { issuersOf, sha256Hex } from '../domain/ca.ts';
import type { Clock, Store } from '../domain/ports.ts';
import type { PublicRoute } from './public.ts';
import { publishedRoute } from './published.ts';

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

/** The CRLs, where cRLDistributionPoints says they are, and one file with everything of a CA beside its partitions. */
export function crlRoute(store: Store, cas: () => CaSet, clock: Clock): PublicRoute {
  return publishedRoute('/crl/', async (path) => {
    const matched = /^\/crl\/(?<id>root|issuing-\d{1,6})(?:\/(?<partition>\d{1,4}))?\.crl$/u.exec(path);
    const { id, partition = '0' } = matched?.groups ?? {};
    const ca = caOfPath(cas(), id);
    if (ca === undefined) return undefined;
    if (path !== `/crl/${ca.id}.crl` && (ca.id === 'root' || path !== `/crl/${ca.id}/${Number(partition)}.crl`))
      return undefined;
    const crl = await store.crl(ca.keyHash, Number(partition));
    if (crl === undefined) return undefined;
    const left = Math.max(0, Math.floor((crl.nextUpdate - clock()) / 1000));
    return {
      mediaType: 'application/pkix-crl',
      etag: `"${sha256Hex(crl.der).slice(0, 32)}"`,
      lastModified: crl.thisUpdate,
      maxAgeSeconds: Math.min(crlMaxAgeSeconds, left),
      length: crl.der.length,
      content: crl.der,
    };
  });
}

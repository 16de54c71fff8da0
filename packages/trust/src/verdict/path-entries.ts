import { ALL_REASONS, distributionPointNames, OID } from '@countersign/pki';
import type { Certificate, DistributionPoint, TrustAnchor } from '@countersign/pki';

import { httpUris, isHttp, nameKeys } from '../crl/point-names.ts';
import { keyHash } from './key-hash.ts';
import type { CrlPoint, PathEntry } from './verdict.ts';

/** More URLs of one kind nobody needs in one certificate. */
const MAX_URIS = 8;

/**
 * How revocation knows the certificates of a path: each under the key of its issuer.
 *
 * @param path the leaf first, without the anchor's certificate.
 */
export function pathEntries(path: readonly Certificate[], anchor: TrustAnchor): PathEntry[] {
  return path.map((certificate, index) => pathEntry(certificate, keyHash(path[index + 1]?.spki ?? anchor.spki)));
}

/** How revocation knows one certificate, whose issuer's key has this hash. */
export function pathEntry(certificate: Certificate, issuerKeyHash: string): PathEntry {
  const points = certificate.crlDistributionPoints ?? [];
  return {
    issuerKeyHash,
    issuerName: certificate.issuer.key,
    serialHex: certificate.serialHex,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    isCa: certificate.basicConstraints?.ca === true,
    version: certificate.version,
    points: points.map((point) => crlPoint(point, certificate)),
    ocspUris: ocspUris(certificate),
    crlUris: httpUris(points),
  };
}

function crlPoint({ name, reasons, crlIssuer }: DistributionPoint, certificate: Certificate): CrlPoint {
  const issuers = (crlIssuer ?? []).flatMap((one) => (one.type === 'directory' ? [one.value] : []));
  const names = name === undefined ? (crlIssuer ?? []) : distributionPointNames(name, issuers[0] ?? certificate.issuer);
  return {
    names: nameKeys(names),
    // A crlIssuer without a directory name is somebody whom we cannot know: no list is his.
    issuers: crlIssuer === undefined ? [] : issuers.length === 0 ? [''] : issuers.map((issuer) => issuer.key),
    reasons: (reasons ?? ALL_REASONS) & ALL_REASONS,
  };
}

function ocspUris(certificate: Certificate): string[] {
  const uris = (certificate.authorityInfoAccess ?? []).flatMap(({ method, location }) =>
    method === OID.ocsp && location.type === 'uri' ? [location.value] : [],
  );
  return uris.filter(isHttp).slice(0, MAX_URIS);
}

import type { Certificate, TrustAnchor } from '@countersign/pki';

import { keyHash } from './key-hash.ts';
import type { PathEntry } from './verdict.ts';

/**
 * How revocation knows the certificates of a path: each under the key of its issuer.
 *
 * @param path the leaf first, without the anchor's certificate.
 */
export function pathEntries(path: readonly Certificate[], anchor: TrustAnchor): PathEntry[] {
  return path.map((certificate, index) => ({
    issuerKeyHash: keyHash(path[index + 1]?.spki ?? anchor.spki),
    serialHex: certificate.serialHex,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    isCa: certificate.basicConstraints?.ca === true,
    crlUris: crlUris(certificate),
  }));
}

function crlUris(certificate: Certificate): string[] {
  const uris: string[] = [];
  for (const { name } of certificate.crlDistributionPoints ?? []) {
    for (const general of name?.fullName ?? []) if (general.type === 'uri') uris.push(general.value);
  }
  return uris;
}

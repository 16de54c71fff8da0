/** What a SPIFFE X.509-SVID must be (spiffe.io, "The X.509 SPIFFE Verifiable Identity Document"). */

import type { Certificate } from '../../x509/certificate.ts';
import { parseSpiffeId, type SpiffeIdResult } from '../../spiffe/spiffe-id.ts';
import type { PathErrorCode } from '../codes.ts';
import type { Rule } from './issuer.ts';

const DIGITAL_SIGNATURE = 1;
const KEY_CERT_SIGN = 1 << 5;
const CRL_SIGN = 1 << 6;

export const SPIFFE_RULES: readonly (readonly [PathErrorCode, Rule])[] = [
  [
    'spiffe_id',
    (cert, role) => {
      if (role !== 'leaf') return undefined;
      const ids = uris(cert);
      if (ids.length !== 1) return `${ids.length} URIs`;
      const parsed = parseSpiffeId(ids[0] ?? '');
      if (!parsed.ok) return parsed.code;
      // Section 2: the ID of a leaf has a path; that of a trust domain alone is for signing certificates.
      return parsed.id.path === '' ? 'no path' : undefined;
    },
  ],
  ['spiffe_leaf_is_ca', (cert, role) => (role === 'leaf' && cert.basicConstraints?.ca === true ? '' : undefined)],
  [
    'spiffe_key_usage',
    (cert, role) => {
      if (role !== 'leaf') return undefined;
      const mask = cert.keyUsage?.mask;
      if (mask === undefined) return 'none';
      return (mask & DIGITAL_SIGNATURE) !== 0 && (mask & (KEY_CERT_SIGN | CRL_SIGN)) === 0
        ? undefined
        : cert.keyUsage?.names.join(', ');
    },
  ],
  [
    'spiffe_signing_usage',
    (cert, role) => (role !== 'leaf' && ((cert.keyUsage?.mask ?? 0) & KEY_CERT_SIGN) === 0 ? '' : undefined),
  ],
  [
    'spiffe_signing_id',
    (cert, role) => {
      if (role === 'leaf') return undefined;
      const ids = uris(cert);
      if (ids.length === 0) return undefined;
      if (ids.length > 1) return `${ids.length} URIs`;
      const parsed: SpiffeIdResult = parseSpiffeId(ids[0] ?? '');
      if (!parsed.ok) return parsed.code;
      return parsed.id.path === '' ? undefined : 'a path';
    },
  ],
];

function uris(cert: Certificate): readonly string[] {
  return (cert.subjectAltName ?? []).flatMap((name) => (name.type === 'uri' ? [name.value] : []));
}

import { verifySignature } from '@countersign/pki';
import type { Certificate, Crypto } from '@countersign/pki';

import type { AddressGuard } from '../net/address-guard.ts';
import { pathEntry } from '../verdict/path-entries.ts';
import type { StatusQuestion } from './ask-responders.ts';

/** Of several responders that a certificate names. */
const MAX_RESPONDERS = 2;

/** Why a server's certificate cannot be asked after: it names no responder, or its issuer is not among the others. */
export type StapleObstacle = 'no_responder' | 'no_issuer';

/**
 * What to ask about a server's own certificate, so that the answer can be stapled.
 *
 * @param chain the server's certificate, and those among which its issuer is looked for.
 * @param guardOf where a URL of the certificate may lead.
 * @example const found = stapleQuestion([leaf, ...intermediates, ...roots], () => new AddressGuard(), nodeCrypto);
 */
export function stapleQuestion(
  [certificate, ...others]: readonly [Certificate, ...Certificate[]],
  guardOf: (url: URL) => AddressGuard,
  crypto: Crypto,
): { readonly ok: true; readonly question: StatusQuestion } | { readonly ok: false; readonly code: StapleObstacle } {
  const urls = pathEntry(certificate, '')
    .ocspUris.filter((uri) => URL.canParse(uri))
    .slice(0, MAX_RESPONDERS)
    .map((uri) => new URL(uri));
  if (urls.length === 0) return { ok: false, code: 'no_responder' };
  const issuer = issuerAmong(certificate, others, crypto);
  if (issuer === undefined) return { ok: false, code: 'no_issuer' };
  return { ok: true, question: { certificate, issuer, responders: urls.map((url) => ({ url, guard: guardOf(url) })) } };
}

/**
 * The certificate whose key has signed another. A name proves nothing: anybody can write a CA's name into a certificate of his own.
 */
export function issuerAmong(
  certificate: Certificate,
  candidates: readonly Certificate[],
  crypto: Crypto,
): Certificate | undefined {
  return candidates.find(
    ({ subject, spki }) => subject.key === certificate.issuer.key && verifySignature(certificate, spki, crypto).ok,
  );
}

/** Who signed a CRL, and may they? (RFC 5280, 6.3.3 (f) to (h)). */

import type { Crl } from '../../crl/crl.ts';
import { verifySignature } from '../../keys/verify.ts';
import { equalOctets } from '../../der/octets.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { nameEquals } from '../../x509/name.ts';
import type { SubjectPublicKeyInfo } from '../../x509/public-key.ts';
import { canVerify, isAcceptedAlgorithm, isAcceptedKey } from '../algorithms.ts';
import { buildAndValidate } from '../build.ts';
import { workingKeys } from '../dsa.ts';
import type { UnrevokedCandidate } from '../revocation.ts';
import type { PathOptions } from '../types.ts';

const CRL_SIGN = 1 << 6;

/** Signatures are checked once a list and key, however often the list is asked. */
export class CrlSignatures {
  readonly #results = new WeakMap<Crl, { readonly key: Uint8Array; readonly valid: boolean }[]>();

  isSignedBy(crl: Crl, spki: SubjectPublicKeyInfo, { crypto, algorithms }: PathOptions): boolean {
    const legacy = algorithms === 'legacy';
    if (!isAcceptedAlgorithm(crl.signatureAlgorithm, legacy) || !isAcceptedKey(spki.key, legacy)) return false;
    if (!canVerify(crl.signatureAlgorithm, spki.key)) return false;
    const results = this.#results.get(crl) ?? [];
    const known = results.find(({ key }) => equalOctets(key, spki.der));
    if (known !== undefined) return known.valid;
    const { ok: valid } = verifySignature(crl, spki, crypto);
    results.push({ key: spki.der, valid });
    this.#results.set(crl, results);
    return valid;
  }
}

/** Asks whether a certificate outside of the path, which signs CRLs, is itself good. */
export type SignerJudge = (signer: UnrevokedCandidate, options: PathOptions) => boolean;

/**
 * Whether a CRL is signed by its issuer: by a certificate of the path, by the trust anchor, or by a certificate of the
 * bag that has a valid path of its own to the same trust anchor.
 */
export function isSignedByIssuer(
  crl: Crl,
  { path, anchor }: UnrevokedCandidate,
  options: PathOptions,
  signatures: CrlSignatures,
  judge: SignerJudge,
): boolean {
  const keys = workingKeys(path, anchor.spki);
  for (const [i, cert] of path.entries()) {
    // The certificate in question may speak about itself only where its CA made it a CRL issuer in so many words.
    if (i === 0 && cert.keyUsage === undefined) continue;
    if (maySign(cert, crl) && signatures.isSignedBy(crl, keys[i]!, options)) return true;
  }
  const anchorMaySign =
    anchor.certificate === undefined ? nameEquals(anchor.name, crl.issuer) : maySign(anchor.certificate, crl);
  if (anchorMaySign && signatures.isSignedBy(crl, anchor.spki, options)) return true;
  for (const signer of options.intermediates ?? []) {
    if (path.includes(signer) || !maySign(signer, crl) || !signatures.isSignedBy(crl, signer.spki, options)) continue;
    if (hasOwnPath(signer, anchor, options, judge)) return true;
  }
  return false;
}

function maySign(cert: Certificate, crl: Crl): boolean {
  if (!nameEquals(cert.subject, crl.issuer)) return false;
  return cert.keyUsage === undefined || (cert.keyUsage.mask & CRL_SIGN) !== 0;
}

function hasOwnPath(
  signer: Certificate,
  anchor: UnrevokedCandidate['anchor'],
  options: PathOptions,
  judge: SignerJudge,
): boolean {
  // The host, the purpose and the policies are the leaf's affair, not the CRL issuer's.
  const { host: _host, keyUsages: _keyUsages, maxPathLength: _length, policies: _policies, ...rest } = options;
  const result = buildAndValidate(signer, {
    ...rest,
    anchors: [anchor],
    profile: 'rfc5280',
    purpose: 'any',
    extendedKeyUsages: [],
    revocation: (candidate, inner) =>
      judge(candidate, inner)
        ? undefined
        : { code: 'revocation_unknown', at: signer, detail: 'the certificate that signs the CRL' },
  });
  return result.ok;
}

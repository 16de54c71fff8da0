import { assembleSigned, lintCertificate, parseCertificate } from '@countersign/pki';
import type { Certificate, LintProfile, Signer } from '@countersign/pki';
import type { SigningCa } from './ca.ts';

/** One signature of each throw-away key: it is over nothing that anybody ever sees, so it holds for no certificate whatever. */
const signatures = new WeakMap<Signer, Promise<Uint8Array>>();

async function signTwinOnce(signer: Signer): Promise<Uint8Array> {
  return signer.sign(new Uint8Array());
}

/**
 * The certificate that a to-be-signed part would become, with a signature of its issuer's throw-away key: it can be read, and is worth
 * nothing.
 */
export async function signTwin(tbs: Uint8Array, { twin }: SigningCa): Promise<Certificate> {
  let signature = signatures.get(twin);
  if (signature === undefined) {
    signature = signTwinOnce(twin);
    signatures.set(twin, signature);
  }
  return parseCertificate(assembleSigned(tbs, twin.scheme, await signature));
}

/** What must not be signed in a certificate of `profile`, in words; none where nothing is wrong. */
export function faultsOf(
  certificate: Certificate,
  profile: LintProfile,
  issuer: Certificate,
  receivesKeys = false,
): string[] {
  const findings = lintCertificate(certificate, { profile, issuer, receivesKeys }).filter(
    ({ severity }) => severity === 'error',
  );
  return findings.map(({ detail, section }) => `${detail} (${section})`);
}

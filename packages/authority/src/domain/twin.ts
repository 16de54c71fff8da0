import { assembleSigned, lintCertificate, parseCertificate } from '@countersign/pki';
import type { Certificate, LintProfile } from '@countersign/pki';
import type { SigningCa } from './ca.ts';

/** The certificate that a to-be-signed part would become, signed with its issuer's throw-away key: it can be read, and is worth nothing. */
export async function signTwin(tbs: Uint8Array, issuer: SigningCa): Promise<Certificate> {
  return parseCertificate(assembleSigned(tbs, issuer.twin.scheme, await issuer.twin.sign(tbs)));
}

/** What must not be signed in a certificate of `profile`, in words; none where nothing is wrong. */
export function faultsOf(certificate: Certificate, profile: LintProfile, issuer: Certificate): string[] {
  const findings = lintCertificate(certificate, { profile, issuer }).filter(({ severity }) => severity === 'error');
  return findings.map(({ detail, section }) => `${detail} (${section})`);
}

import { OID } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import type { Profile } from './profiles.ts';

/** What a leaf about to be signed says beside what its profile and issuer allow, in words; none where nothing is wrong. */
export function leafFaults(certificate: Certificate, issuer: Certificate, profile: Profile): string[] {
  const { extendedKeyUsage = [], keyUsage, basicConstraints } = certificate;
  const usages = profile.usages.map((usage) => OID[usage]);
  const checks: readonly (readonly [boolean, string])[] = [
    [basicConstraints?.ca === false, 'it would be a CA'],
    [keyUsage?.names.join(' ') === 'digitalSignature', 'its keyUsage is not digitalSignature'],
    [extendedKeyUsage.join(' ') === usages.join(' '), "its extendedKeyUsage is not its profile's"],
    [certificate.profile === profile.name, 'it names another profile'],
    [certificate.notAfter <= issuer.notAfter, 'it outlives its issuer'],
    [certificate.crlDistributionPoints?.length === 1, 'it names no CRL'],
    [certificate.authorityInfoAccess?.length === 1, 'it does not say where its issuer is'],
    [certificate.unknownCriticalExtensions.length === 0, 'it has an unknown critical extension'],
  ];
  return checks.flatMap(([holds, words]) => (holds ? [] : [words]));
}

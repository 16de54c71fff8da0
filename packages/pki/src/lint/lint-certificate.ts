import type { Certificate } from '../x509/certificate.ts';
import { nameEquals } from '../x509/name.ts';
import { lintAlternativeNames } from './certificate/alternative-names.ts';
import { lintBasics } from './certificate/basics.ts';
import { lintExtensions } from './certificate/extensions.ts';
import { lintAgainstIssuer } from './certificate/issuer.ts';
import { lintNameConstraints } from './certificate/name-constraints.ts';
import { lintName } from './certificate/names.ts';
import { lintPointers } from './certificate/pointers.ts';
import { lintPolicies } from './certificate/policies.ts';
import { lintProfile } from './certificate/profiles.ts';
import type { LintProfile } from './certificate/profiles.ts';
import { lintUsages } from './certificate/usages.ts';
import { collectFindings } from './findings.ts';
import type { LintFinding } from './findings.ts';

export interface LintCertificateOptions {
  /** Holds the certificate against one of our own profiles too. */
  readonly profile?: LintProfile;
  /** With a profile: whether something is encrypted to the key, which its usage then has to say. */
  readonly receivesKeys?: boolean;
  /** Holds the certificate against the one of its issuer too. */
  readonly issuer?: Certificate;
}

/**
 * What is wrong with a certificate as such: RFC 5280, the documents for keys and names that it rests on, and our profiles. Signatures, paths
 * and revocation are not looked at; what cannot be parsed was refused before.
 *
 * @returns every finding, in the order of the certificate; none where nothing is wrong
 *
 * @example
 * const faults = lintCertificate(certificate, { profile: 'client', issuer }).filter(({ severity }) => severity === 'error');
 */
export function lintCertificate(
  certificate: Certificate,
  options: LintCertificateOptions = {},
): readonly LintFinding[] {
  return collectFindings((report) => {
    lintBasics(certificate, report);
    lintName(certificate.issuer, report);
    const selfIssued = nameEquals(certificate.issuer, certificate.subject);
    if (!selfIssued) lintName(certificate.subject, report);
    lintUsages(certificate, report);
    lintExtensions(certificate, selfIssued, report);
    lintAlternativeNames(certificate.subjectAltName ?? [], report);
    lintAlternativeNames(certificate.issuerAltName ?? [], report);
    lintPolicies(certificate, report);
    if (certificate.nameConstraints !== undefined) lintNameConstraints(certificate.nameConstraints, report);
    lintPointers(certificate, report);
    if (options.issuer !== undefined) lintAgainstIssuer(certificate, options.issuer, report);
    const { profile, receivesKeys = false } = options;
    if (profile !== undefined) lintProfile(certificate, profile, receivesKeys, report);
  });
}

import type { Certificate } from '../../x509/certificate.ts';
import { OID } from '../../x509/oids.ts';
import type { Report } from '../findings.ts';

/** RFC 5280, section 4.2.1 and 4.2.2, extension by extension. */
const neverCritical: Readonly<Record<string, string>> = {
  [OID.authorityKeyIdentifier]: 'authorityKeyIdentifier',
  [OID.subjectKeyIdentifier]: 'subjectKeyIdentifier',
  [OID.subjectDirectoryAttributes]: 'subjectDirectoryAttributes',
  [OID.freshestCrl]: 'freshestCRL',
  [OID.authorityInfoAccess]: 'authorityInfoAccess',
  [OID.subjectInfoAccess]: 'subjectInfoAccess',
};

const alwaysCritical: Readonly<Record<string, string>> = {
  [OID.nameConstraints]: 'nameConstraints',
  [OID.policyConstraints]: 'policyConstraints',
  [OID.inhibitAnyPolicy]: 'inhibitAnyPolicy',
};

const betterNotCritical: Readonly<Record<string, string>> = {
  [OID.issuerAltName]: 'issuerAltName',
  [OID.crlDistributionPoints]: 'cRLDistributionPoints',
  [OID.tlsFeature]: 'TLS feature',
  [OID.ocspNoCheck]: 'OCSP nocheck',
};

const caOnly: Readonly<Record<string, string>> = {
  [OID.nameConstraints]: 'nameConstraints',
  [OID.policyConstraints]: 'policyConstraints',
  [OID.policyMappings]: 'policyMappings',
  [OID.inhibitAnyPolicy]: 'inhibitAnyPolicy',
};

/** Which extensions are there and critical, and the key identifiers (RFC 5280, sections 4.2.1.1 and 4.2.1.2). */
export function lintExtensions(certificate: Certificate, selfSigned: boolean, report: Report): void {
  const ca = certificate.basicConstraints?.ca === true;
  for (const { oid, critical } of certificate.extensions) {
    const never = neverCritical[oid];
    const always = alwaysCritical[oid];
    const better = betterNotCritical[oid];
    const only = caOnly[oid];
    if (critical && never !== undefined) report('must_not_be_critical', never);
    if (!critical && always !== undefined) report('must_be_critical', always);
    if (critical && better !== undefined) report('should_not_be_critical', better);
    if (!ca && only !== undefined) report('only_in_ca', only);
  }
  if (certificate.subjectKeyId === undefined) report(ca ? 'subject_key_id_missing' : 'subject_key_id_absent');
  if (certificate.authorityKeyId?.keyId === undefined && !selfSigned) report('authority_key_id_missing');
  lintSubject(certificate, ca, report);
  if (certificate.ocspNoCheck && certificate.extendedKeyUsage?.includes(OID.ocspSigning) !== true) {
    report('ocsp_no_check');
  }
}

/** Where the certificate says who it is for (RFC 5280, sections 4.1.2.6 and 4.2.1.6). */
function lintSubject(certificate: Certificate, ca: boolean, report: Report): void {
  const { subject, subjectAltName } = certificate;
  const critical = certificate.isCritical(OID.subjectAltName);
  if (!subject.isEmpty) {
    if (critical) report('alt_name_critical');
  } else if (ca) report('subject_empty');
  else if (subjectAltName === undefined) report('subject_nowhere');
  else if (!critical) report('alt_name_not_critical');
}

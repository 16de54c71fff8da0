import { equalOctets } from '../../der/octets.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { nameEquals } from '../../x509/name.ts';
import type { Report } from '../findings.ts';

/** A certificate beside the one of its issuer (RFC 5280, sections 4.1.2.4, 4.1.2.6, 4.2.1.1, 4.2.1.9). */
export function lintAgainstIssuer(certificate: Certificate, issuer: Certificate, report: Report): void {
  if (!nameEquals(certificate.issuer, issuer.subject)) report('issuer_name');
  else if (!equalOctets(certificate.issuer.der, issuer.subject.der)) report('issuer_name_encoding');
  const keyId = certificate.authorityKeyId?.keyId;
  if (keyId !== undefined && issuer.subjectKeyId !== undefined && !equalOctets(keyId, issuer.subjectKeyId)) {
    report('issuer_key_id');
  }
  const constraints = issuer.basicConstraints;
  if (constraints?.ca !== true || issuer.keyUsage?.has('keyCertSign') === false) report('issuer_not_ca');
  const selfIssued = nameEquals(certificate.issuer, certificate.subject);
  if (certificate.basicConstraints?.ca === true && constraints?.pathLen === 0 && !selfIssued) report('issuer_path_len');
  if (certificate.notAfter > issuer.notAfter) report('outlives_issuer');
}

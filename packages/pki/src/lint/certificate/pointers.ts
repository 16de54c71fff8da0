import type { Certificate } from '../../x509/certificate.ts';
import type { DistributionPoint } from '../../x509/extensions/distribution-points.ts';
import { OID } from '../../x509/oids.ts';
import type { Report } from '../findings.ts';
import { describeGeneralName, isAbsoluteUri } from './alternative-names.ts';

/** Where the certificate says that CRLs, its issuer and OCSP are (RFC 5280, sections 4.2.1.13, 4.2.1.15, 4.2.2). */
export function lintPointers(certificate: Certificate, report: Report): void {
  for (const point of certificate.crlDistributionPoints ?? []) lintDistributionPoint(point, report);
  for (const point of certificate.freshestCrl ?? []) lintDistributionPoint(point, report);
  for (const { method, location } of certificate.authorityInfoAccess ?? []) {
    if (method !== OID.ocsp && method !== OID.caIssuers) continue;
    const uri = location.type === 'uri' ? location.value : undefined;
    // Section 4.2.2.1: a directory name may tell where the issuer's certificate is, and nothing but a URI where OCSP is.
    if (uri === undefined ? method === OID.ocsp || location.type !== 'directory' : !isAbsoluteUri(uri)) {
      report('info_access_location', describeGeneralName(location));
    } else if (uri?.toLowerCase().startsWith('https:') === true) report('info_access_scheme', uri);
  }
}

function lintDistributionPoint(point: DistributionPoint, report: Report): void {
  if (point.name === undefined && point.crlIssuer === undefined) report('distribution_point_empty');
  for (const name of point.name?.fullName ?? []) {
    if (name.type !== 'uri') continue;
    if (!isAbsoluteUri(name.value)) report('distribution_point_uri', JSON.stringify(name.value.slice(0, 80)));
    else if (name.value.toLowerCase().startsWith('https:')) report('distribution_point_scheme', name.value);
  }
}

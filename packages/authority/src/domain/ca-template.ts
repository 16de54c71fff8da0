import { basicConstraints, buildName, keyUsage, subjectKeyId } from '@countersign/pki';
import type { CertificateTemplate, SubjectPublicKeyInfo } from '@countersign/pki';
import { keyIdentifier } from './ca.ts';
import type { Ca } from './ca.ts';
import { issuerPointers } from './template.ts';
import type { PublicUrls } from './template.ts';
import { backdateMs } from './validity.ts';

const rootYears = 20;
const issuingYears = 5;

function yearsFrom(now: number, years: number): number {
  const date = new Date(now);
  return date.setUTCFullYear(date.getUTCFullYear() + years);
}

/** The root's own certificate: 20 years. */
export function rootTemplate(
  now: number,
  commonName: string,
  spki: SubjectPublicKeyInfo,
  serialNumber: Uint8Array,
): CertificateTemplate {
  const name = buildName([{ type: 'CN', value: commonName }]);
  return {
    serialNumber,
    issuer: name,
    subject: name,
    notBefore: now - backdateMs,
    notAfter: yearsFrom(now, rootYears),
    spki: spki.der,
    extensions: [
      basicConstraints({ ca: true }),
      keyUsage(['keyCertSign', 'cRLSign']),
      subjectKeyId(keyIdentifier(spki.bits)),
    ],
  };
}

/** An issuing CA's certificate: 5 years, not beyond its root; it certifies leaves only. */
export function issuingTemplate(
  now: number,
  commonName: string,
  spki: SubjectPublicKeyInfo,
  serialNumber: Uint8Array,
  root: Ca,
  urls: PublicUrls,
): CertificateTemplate {
  return {
    serialNumber,
    issuer: root.certificate.subject,
    subject: buildName([{ type: 'CN', value: commonName }]),
    notBefore: now - backdateMs,
    notAfter: Math.min(yearsFrom(now, issuingYears), root.certificate.notAfter),
    spki: spki.der,
    extensions: [
      basicConstraints({ ca: true, pathLen: 0 }),
      keyUsage(['keyCertSign', 'cRLSign', 'digitalSignature']),
      subjectKeyId(keyIdentifier(spki.bits)),
      ...issuerPointers(urls, root, 'full'),
    ],
  };
}

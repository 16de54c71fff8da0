import { nameToString, pemEncode } from '@countersign/pki';
import type { CertificateDetail, CertificateRecord, CertificateStatus } from '@countersign/protocol';
import { issuersOf } from './ca.ts';
import type { CaSet } from './ca.ts';
import type { StoredCertificate } from './ports.ts';

function statusOf(certificate: StoredCertificate, now: number): CertificateStatus {
  if (certificate.revocation !== undefined) {
    return certificate.revocation.reason === 'certificateHold' ? 'held' : 'revoked';
  }
  return certificate.notAfter < now ? 'expired' : 'valid';
}

/** A certificate as `list` tells it. */
export function certificateRecord(certificate: StoredCertificate, issuer: string, now: number): CertificateRecord {
  const { name, serial, profile, sans, fingerprintSha256, revocation } = certificate;
  const record: CertificateRecord = {
    name,
    serial,
    profile,
    sans: [...sans],
    issuer,
    notBefore: new Date(certificate.notBefore).toISOString(),
    notAfter: new Date(certificate.notAfter).toISOString(),
    status: statusOf(certificate, now),
    fingerprintSha256,
  };
  if (revocation === undefined) return record;
  const { reason, revokedAt, invalidityDate } = revocation;
  const since = invalidityDate === undefined ? {} : { invalidityDate: new Date(invalidityDate).toISOString() };
  return { ...record, reason, revokedAt: new Date(revokedAt).toISOString(), ...since };
}

/** The subject of the CA that a certificate is of; its key's hash where that CA is gone. */
export function issuerName(cas: CaSet, keyHash: string): string {
  const ca = issuersOf(cas).find((one) => one.keyHash === keyHash);
  return ca === undefined ? `key ${keyHash}` : nameToString(ca.certificate.subject);
}

/** A certificate as `show` tells it. */
export function certificateDetail(certificate: StoredCertificate, cas: CaSet, now: number): CertificateDetail {
  const issuer = issuersOf(cas).find(({ keyHash }) => keyHash === certificate.issuer);
  return {
    ...certificateRecord(certificate, issuerName(cas, certificate.issuer), now),
    certificate: pemEncode('CERTIFICATE', certificate.der) + (issuer?.pem ?? ''),
  };
}

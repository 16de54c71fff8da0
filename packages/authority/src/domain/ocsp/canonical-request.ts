import { der, encodeCertId, ocspCertId } from '@countersign/pki';
import type { Crypto, OcspCertId } from '@countersign/pki';
import type { Ca } from '../ca.ts';
import { serialOctets } from './subject.ts';

/** Octets as text of one character each: a key for tables, and what fits into memory most tightly. */
export function textOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

/** The octets of such a text. */
export function octetsOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** The one request for one certificate that has nothing beside its CertID (RFC 5019, section 2.1.1): what clients mostly send. */
export function canonicalRequest(certId: OcspCertId): Uint8Array {
  return der.sequence(der.sequence(der.sequence(der.sequence(encodeCertId(certId)))));
}

/** The request that is to be expected for a certificate: with SHA-1, which nearly everybody takes. */
export function expectedRequest(serial: string, { certificate }: Ca, crypto: Crypto): string {
  const subject = { serialNumber: serialOctets(serial), issuer: certificate.subject };
  return textOf(canonicalRequest(ocspCertId(subject, certificate, 'sha1', crypto)));
}

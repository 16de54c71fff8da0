import { equalOctets, fromHex, toHex } from '@countersign/pki';
import { normalizeSerial } from '@countersign/protocol';
import { keyIdentifier } from '../ca.ts';
import type { Ca, CaSet } from '../ca.ts';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import type { CertificateId } from './records.ts';

function keyIdOf({ certificate }: Ca): Uint8Array {
  return certificate.subjectKeyId ?? keyIdentifier(certificate.spki.bits);
}

/**
 * The certificate that an ARI identifier means (RFC 9773, section 4.1): the issuer's key identifier and the serial's octets, each in
 * base64url. Undefined for what names no CA of ours.
 */
export function parseCertificateId(text: string, cas: CaSet): CertificateId | undefined {
  const [keyId, serial, ...more] = text.length > 100 ? [] : text.split('.').map(decodeBase64url);
  if (keyId === undefined || serial === undefined || more.length > 0 || serial.length === 0) return undefined;
  const negative = (serial[0] ?? 0) >= 0x80;
  const padded = serial.length > 1 && serial[0] === 0 && (serial[1] ?? 0) < 0x80;
  if (negative || padded) return undefined;
  const issuer = cas.issuing.find((ca) => equalOctets(keyIdOf(ca), keyId));
  return issuer && { issuer: issuer.keyHash, serial: normalizeSerial(toHex(serial)) };
}

/** The ARI identifier of a certificate, where its issuer is one of ours. */
export function formatCertificateId({ issuer, serial }: CertificateId, cas: CaSet): string | undefined {
  const ca = cas.issuing.find(({ keyHash }) => keyHash === issuer);
  if (ca === undefined) return undefined;
  const octets = fromHex(Number.parseInt(serial.slice(0, 2), 16) >= 0x80 ? `00${serial}` : serial);
  return `${encodeBase64url(keyIdOf(ca))}.${encodeBase64url(octets)}`;
}

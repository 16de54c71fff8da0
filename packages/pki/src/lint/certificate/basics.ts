import { isLegacyScheme, signatureScheme } from '../../keys/scheme.ts';
import { isStrongKey } from '../../keys/strength.ts';
import { algorithmEquals } from '../../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../../x509/algorithm.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Report } from '../findings.ts';

const maxSerialOctets = 20;
const minSerialOctets = 8;

/** Whether the content octets of an INTEGER are a serial number: positive, at most 20 octets (RFC 5280, section 4.1.2.2). */
export function checkSerial(octets: Uint8Array): 'good' | 'not-positive' | 'too-long' {
  const first = octets[0] ?? 0;
  if (first >= 0x80 || octets.every((octet) => octet === 0)) return 'not-positive';
  return octets.length > maxSerialOctets ? 'too-long' : 'good';
}

/** A signature algorithm that is known and safe. */
export function lintSignatureAlgorithm(algorithm: AlgorithmIdentifier, report: Report): void {
  const scheme = signatureScheme(algorithm);
  if (scheme === undefined) report('signature_algorithm', algorithm.oid);
  else if (isLegacyScheme(scheme)) report('signature_weak', scheme);
}

/** Version, serial number, algorithms, validity, key (RFC 5280, sections 4.1.1 and 4.1.2). */
export function lintBasics(certificate: Certificate, report: Report): void {
  if (certificate.version !== 3) report('version_not_3', `version ${certificate.version}`);
  const serial = checkSerial(certificate.serialNumber);
  if (serial === 'not-positive') report('serial_not_positive', certificate.serialHex);
  else if (serial === 'too-long') report('serial_too_long', certificate.serialHex);
  else if (certificate.serialHex.length < 2 * minSerialOctets) report('serial_guessable', certificate.serialHex);
  lintSignatureAlgorithm(certificate.signatureAlgorithm, report);
  if (!algorithmEquals(certificate.signatureAlgorithm, certificate.tbsSignatureAlgorithm)) report('algorithms_differ');
  if (certificate.issuer.isEmpty) report('issuer_empty');
  if (certificate.notAfter < certificate.notBefore) report('validity_reversed');
  if (!isStrongKey(certificate.spki.key)) report('key_weak', certificate.spki.key.type);
  if (certificate.issuerUniqueId !== undefined || certificate.subjectUniqueId !== undefined) report('unique_id');
  for (const oid of certificate.unknownCriticalExtensions) report('critical_unknown', oid);
}

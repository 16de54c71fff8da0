import type { Certificate } from '../../x509/certificate.ts';
import type { KeyUsage, KeyUsageName } from '../../x509/extensions/usage.ts';
import { impossibleUsages } from '../../keys/impossible-usages.ts';
import { OID } from '../../x509/oids.ts';
import type { Report } from '../findings.ts';

/** What RFC 5280, section 4.2.1.12, takes for consistent: one of these bits. */
const usageBits: Readonly<Record<string, readonly KeyUsageName[]>> = {
  [OID.serverAuth]: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
  [OID.clientAuth]: ['digitalSignature', 'keyAgreement'],
  [OID.codeSigning]: ['digitalSignature'],
  [OID.emailProtection]: ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement'],
  [OID.timeStamping]: ['digitalSignature', 'nonRepudiation'],
  [OID.ocspSigning]: ['digitalSignature', 'nonRepudiation'],
};

/** BasicConstraints and the usages of the key (RFC 5280, sections 4.2.1.3, 4.2.1.9, 4.2.1.12). */
export function lintUsages(certificate: Certificate, report: Report): void {
  lintBasicConstraints(certificate, report);
  lintKeyUsage(certificate, report);
  lintExtendedKeyUsage(certificate, report);
}

function lintBasicConstraints(certificate: Certificate, report: Report): void {
  const { basicConstraints, keyUsage } = certificate;
  const signs = keyUsage?.has('keyCertSign') === true;
  if (basicConstraints === undefined) {
    if (signs) report('basic_constraints_missing');
    return;
  }
  const { ca, pathLen } = basicConstraints;
  if (ca && !certificate.isCritical(OID.basicConstraints)) report('basic_constraints_not_critical');
  if (!ca && pathLen !== undefined) report('path_len_without_ca');
  if (ca && pathLen !== undefined && !signs) report('path_len_without_cert_sign');
  if (!ca && signs) report('cert_sign_without_ca');
}

function lintKeyUsage(certificate: Certificate, report: Report): void {
  const { keyUsage, basicConstraints, spki } = certificate;
  const ca = basicConstraints?.ca === true;
  if (keyUsage === undefined) {
    if (ca) report('key_usage_missing');
    return;
  }
  if (!certificate.isCritical(OID.keyUsage)) report('key_usage_not_critical');
  if (ca && !keyUsage.has('keyCertSign')) report('ca_without_cert_sign');
  const onlyBits = keyUsage.has('encipherOnly') || keyUsage.has('decipherOnly');
  if (onlyBits && !keyUsage.has('keyAgreement')) report('key_usage_only_bits');
  const impossible = impossibleUsages(spki.key).filter((name) => keyUsage.has(name));
  if (impossible.length > 0) report('key_usage_key', `${spki.key.type}: ${impossible.join(', ')}`);
}

function lintExtendedKeyUsage(certificate: Certificate, report: Report): void {
  const { extendedKeyUsage, keyUsage } = certificate;
  if (extendedKeyUsage === undefined) return;
  if (extendedKeyUsage.includes(OID.anyExtendedKeyUsage) && certificate.isCritical(OID.extendedKeyUsage)) {
    report('extended_key_usage_any');
  }
  if (new Set(extendedKeyUsage).size !== extendedKeyUsage.length) report('extended_key_usage_twice');
  // The extensions of a CA limit what it may certify, not what its own key does.
  if (keyUsage === undefined || certificate.basicConstraints?.ca === true) return;
  for (const oid of extendedKeyUsage) {
    if (!allows(keyUsage, usageBits[oid])) report('extended_key_usage_conflict', oid);
  }
}

function allows(keyUsage: KeyUsage, names: readonly KeyUsageName[] | undefined): boolean {
  return names === undefined || names.some((name) => keyUsage.has(name));
}

/**
 * What RFC 5280 section 4 demands of conforming CAs and a relying party need not check. Demanded when the options say
 * `strict`; each rule is one code and can be switched off by it.
 */

import { impossibleUsages } from '../../keys/impossible-usages.ts';
import { verifySignature } from '../../keys/verify.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { PublicKeyKind } from '../../x509/public-key.ts';
import { OID } from '../../x509/oids.ts';
import type { PathErrorCode } from '../codes.ts';
import type { PathContext } from '../context.ts';
import { compileConstraints, describe } from '../names/constraints.ts';
import { isDnsName } from '../names/dns.ts';
import { parseMailbox } from '../names/email.ts';
import { isAbsoluteUri } from '../names/uri.ts';
import { isSelfIssued } from '../checks.ts';

/** Where a certificate stands on a path. */
export type Role = 'leaf' | 'intermediate' | 'anchor';

/** A rule: the detail of what is wrong, or `undefined`. */
export type Rule = (cert: Certificate, role: Role, ctx: PathContext) => string | undefined;

const KEY_CERT_SIGN = 1 << 5;
const MAX_SERIAL_OCTETS = 20;

/** Extensions that only inform: conforming CAs mark them non-critical (RFC 5280, 4.2.1.6 to 4.2.2.2). */
const INFORMING: readonly string[] = [
  OID.authorityInfoAccess,
  OID.subjectInfoAccess,
  OID.freshestCrl,
  OID.subjectDirectoryAttributes,
  OID.issuerAltName,
];

export const ISSUER_RULES: readonly (readonly [PathErrorCode, Rule])[] = [
  [
    'serial_not_positive',
    // Well-known roots have a serial number of zero, and nobody looks a root up by it.
    (cert, role) => (role !== 'anchor' && !isPositive(cert.serialNumber) ? cert.serialHex : undefined),
  ],
  [
    'serial_too_long',
    (cert) => (cert.serialNumber.length > MAX_SERIAL_OCTETS ? `${cert.serialNumber.length} octets` : undefined),
  ],
  ['issuer_empty', (cert) => when(cert.issuer.isEmpty)],
  ['ca_subject_empty', (cert, role) => when(cert.subject.isEmpty && isCa(cert, role))],
  [
    'authority_key_id_missing',
    (cert, role, ctx) => when(cert.authorityKeyId?.keyId === undefined && !isSelfSigned(cert, role, ctx)),
  ],
  ['authority_key_id_critical', (cert) => when(cert.isCritical(OID.authorityKeyIdentifier))],
  ['subject_key_id_missing', (cert, role) => when(isCa(cert, role) && cert.subjectKeyId === undefined)],
  ['subject_key_id_critical', (cert) => when(cert.isCritical(OID.subjectKeyIdentifier))],
  ['ca_key_usage_missing', (cert, role) => when(role === 'intermediate' && cert.keyUsage === undefined)],
  ['key_usage_key', impossibleUsage],
  [
    'cert_sign_without_ca',
    (cert) => when(cert.basicConstraints?.ca !== true && ((cert.keyUsage?.mask ?? 0) & KEY_CERT_SIGN) !== 0),
  ],
  [
    'path_length_without_ca',
    (cert) =>
      when(
        cert.basicConstraints?.pathLen !== undefined &&
          (!cert.basicConstraints.ca || ((cert.keyUsage?.mask ?? KEY_CERT_SIGN) & KEY_CERT_SIGN) === 0),
      ),
  ],
  ['basic_constraints_missing', (cert, role) => when(role !== 'leaf' && cert.basicConstraints === undefined)],
  [
    'basic_constraints_not_critical',
    (cert, role) =>
      when(role !== 'leaf' && cert.basicConstraints !== undefined && !cert.isCritical(OID.basicConstraints)),
  ],
  [
    'name_constraints_in_leaf',
    (cert) => when(cert.nameConstraints !== undefined && cert.basicConstraints?.ca !== true),
  ],
  [
    'name_constraints_not_critical',
    // The Baseline Requirements (7.1.2.10.8) allow it, for the sake of software that knows no name constraints.
    (cert, _role, ctx) =>
      when(ctx.profile !== 'webpki' && cert.nameConstraints !== undefined && !cert.isCritical(OID.nameConstraints)),
  ],
  [
    'name_constraints_malformed',
    (cert) =>
      cert.nameConstraints === undefined ? undefined : compileConstraints(cert.nameConstraints, true).malformed,
  ],
  [
    'policy_constraints_not_critical',
    (cert) => when(cert.policyConstraints !== undefined && !cert.isCritical(OID.policyConstraints)),
  ],
  [
    'inhibit_any_policy_not_critical',
    (cert) => when(cert.inhibitAnyPolicy !== undefined && !cert.isCritical(OID.inhibitAnyPolicy)),
  ],
  ['information_critical', (cert) => INFORMING.find((oid) => cert.isCritical(oid))],
  ['san_missing', (cert) => when(cert.subject.isEmpty && cert.subjectAltName === undefined)],
  [
    'san_not_critical',
    (cert) => when(cert.subject.isEmpty && cert.subjectAltName !== undefined && !cert.isCritical(OID.subjectAltName)),
  ],
  ['san_malformed', malformedName],
];

function when(condition: boolean): string | undefined {
  return condition ? '' : undefined;
}

function isCa(cert: Certificate, role: Role): boolean {
  return role !== 'leaf' || cert.basicConstraints?.ca === true;
}

/** A self-signed certificate may leave the identifier out, whatever it calls its issuer. */
function isSelfSigned(cert: Certificate, role: Role, ctx: PathContext): boolean {
  return isSelfIssued(cert) || (role === 'anchor' && verifySignature(cert, cert.spki, ctx.options.crypto).ok);
}

function isPositive(serial: Uint8Array): boolean {
  return (serial[0] ?? 0x80) < 0x80 && serial.some((octet) => octet !== 0);
}

const KEPT_BY: ReadonlySet<PublicKeyKind['type']> = new Set(['ed25519', 'ed448', 'ml-dsa', 'slh-dsa']);

/** Only of the kinds that came with the rule: certificates with RSA and elliptic curve keys never kept to theirs. */
function impossibleUsage({ spki, keyUsage }: Certificate): string | undefined {
  if (!KEPT_BY.has(spki.key.type)) return undefined;
  return impossibleUsages(spki.key).find((usage) => keyUsage?.has(usage));
}

function malformedName(cert: Certificate): string | undefined {
  for (const name of cert.subjectAltName ?? []) {
    const bad =
      (name.type === 'dns' && !isDnsName(name.value, { wildcard: true })) ||
      (name.type === 'email' && parseMailbox(name.value) === undefined) ||
      (name.type === 'uri' && !isAbsoluteUri(name.value));
    if (bad) return describe(name);
  }
  return undefined;
}

/** What the CA/Browser Forum's Baseline Requirements demand of public server certificates and their CAs. */

import { equalOctets } from '../../der/octets.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import { OID } from '../../x509/oids.ts';
import type { SubjectPublicKeyInfo } from '../../x509/public-key.ts';
import type { PathErrorCode } from '../codes.ts';
import type { PathContext } from '../context.ts';
import { describe } from '../names/constraints.ts';
import { isDnsName } from '../names/dns.ts';
import { formatIpAddress, parseIpAddress, parseLooseIpv4 } from '../names/ip.ts';
import { isSelfIssued } from '../checks.ts';
import type { Role, Rule } from './issuer.ts';

export const WEBPKI_RULES: readonly (readonly [PathErrorCode, Rule])[] = [
  ['webpki_version', (cert) => (cert.version === 3 ? undefined : `version ${cert.version}`)],
  ['webpki_ca_leaf', leaf((cert) => (cert.basicConstraints?.ca === true ? '' : undefined))],
  [
    'webpki_ca_server',
    leaf((cert) =>
      cert.basicConstraints?.ca === true && cert.extendedKeyUsage?.includes(OID.serverAuth) === true ? '' : undefined,
    ),
  ],
  ['webpki_san', leaf(foreignName)],
  [
    'webpki_san_critical',
    leaf((cert) => (!cert.subject.isEmpty && cert.isCritical(OID.subjectAltName) ? '' : undefined)),
  ],
  ['webpki_wildcard', leaf(badWildcard)],
  ['webpki_public_suffix', leaf(publicSuffixWildcard)],
  ['webpki_common_name', leaf(respeltCommonName)],
  ['webpki_eku', leaf(badExtendedUsage)],
  [
    'webpki_root_eku',
    (cert, role) => (role === 'anchor' && isSelfIssued(cert) && cert.extendedKeyUsage !== undefined ? '' : undefined),
  ],
  ['webpki_key', (cert, role) => (role === 'leaf' ? undefined : refusedKey(cert.spki))],
  ['webpki_subscriber_key', leaf((cert) => refusedKey(cert.spki))],
  ['webpki_root_key_id', foreignRootKeyId],
];

function leaf(rule: (cert: Certificate, ctx: PathContext) => string | undefined): Rule {
  return (cert, role, ctx) => (role === 'leaf' ? rule(cert, ctx) : undefined);
}

function foreignName(cert: Certificate): string | undefined {
  if (cert.subjectAltName === undefined) return 'none';
  const foreign = cert.subjectAltName.find((name) => name.type !== 'dns' && name.type !== 'ip');
  return foreign && describe(foreign);
}

/** 3.2.2.6 and 7.1.4.2.1: `*.` and a domain name of its own; the root of the DNS and top-level domains are nobody's own. */
function badWildcard(cert: Certificate): string | undefined {
  for (const name of cert.subjectAltName ?? []) {
    if (name.type !== 'dns' || !name.value.includes('*')) continue;
    const rest = name.value.slice(2);
    if (!name.value.startsWith('*.') || !rest.includes('.') || !isDnsName(rest)) return describe(name);
  }
  return undefined;
}

function publicSuffixWildcard(cert: Certificate, ctx: PathContext): string | undefined {
  const { isPublicSuffix } = ctx.options;
  const found = cert.subjectAltName?.find(
    (name) => name.type === 'dns' && name.value.startsWith('*.') && isPublicSuffix?.(name.value.slice(2).toLowerCase()),
  );
  return found && describe(found);
}

/** A domain name with labels that are not in their ASCII form. */
const UNICODE_DOMAIN = /^(?=.*[^\u0021-\u007e])[\p{L}\p{N}\p{M}-]+(?:\.[\p{L}\p{N}\p{M}-]+)+$/u;

/**
 * A common name that means one of the subject alternative names must be its exact copy: software that reads the one and
 * software that reads the other would see two names. A domain name with other labels than ASCII is never a copy. (That
 * the name must be there at all, BR 7.1.4.3 demands too, but no relying party depends on it and suites made for
 * public roots disagree.)
 */
function respeltCommonName(cert: Certificate): string | undefined {
  for (const rdn of cert.subject.rdns) {
    for (const { type, value } of rdn) {
      if (type !== OID.commonName || value === undefined) continue;
      const names = (cert.subjectAltName ?? []).flatMap(spelling);
      const isCopy = names.includes(value) || names.every((name) => meaning(name) !== meaning(value));
      if (!isCopy || UNICODE_DOMAIN.test(value)) return JSON.stringify(value);
    }
  }
  return undefined;
}

function spelling(name: GeneralName): string[] {
  if (name.type === 'ip') return [formatIpAddress(name.value)];
  return name.type === 'dns' ? [name.value] : [];
}

/** The same text for all spellings of a host. */
function meaning(text: string): string {
  const address = parseIpAddress(text) ?? parseLooseIpv4(text);
  return address === undefined ? text.toLowerCase() : address.join('.');
}

function badExtendedUsage(cert: Certificate): string | undefined {
  if (cert.extendedKeyUsage === undefined) return 'none';
  if (cert.isCritical(OID.extendedKeyUsage)) return 'critical';
  if (cert.extendedKeyUsage.includes(OID.anyExtendedKeyUsage)) return 'anyExtendedKeyUsage';
  return cert.extendedKeyUsage.includes(OID.serverAuth) ? undefined : cert.extendedKeyUsage.join(', ');
}

function refusedKey({ key, algorithm }: SubjectPublicKeyInfo): string | undefined {
  if (key.type === 'ec') return undefined;
  if (key.type !== 'rsa') return key.type === 'ec-other' ? key.curveOid : algorithm.oid;
  return key.bits >= 2048 && key.bits % 8 === 0 ? undefined : `RSA with ${key.bits} bits`;
}

function foreignRootKeyId(cert: Certificate, role: Role): string | undefined {
  const id = cert.authorityKeyId;
  if (role !== 'anchor' || id === undefined || !isSelfIssued(cert)) return undefined;
  if (id.issuer !== undefined || id.serialNumber !== undefined) return 'issuer and serial number';
  if (id.keyId === undefined) return 'no key identifier';
  return cert.subjectKeyId !== undefined && equalOctets(id.keyId, cert.subjectKeyId)
    ? undefined
    : 'another key identifier';
}

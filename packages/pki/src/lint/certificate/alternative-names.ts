import { toHex } from '../../der/octets.ts';
import { parseSpiffeId } from '../../spiffe/spiffe-id.ts';
import type { GeneralName } from '../../x509/general-name.ts';
import type { Report } from '../findings.ts';
import { lintName } from './names.ts';

const label = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;
const maxHostCharacters = 253;

/** The syntax of alternative names (RFC 5280, section 4.2.1.6), and that none is there twice. */
export function lintAlternativeNames(names: readonly GeneralName[], report: Report): void {
  const seen = new Set<string>();
  for (const name of names) {
    const text = describeGeneralName(name);
    if (seen.has(text)) report('alt_name_twice', text);
    seen.add(text);
    lintGeneralName(name, report);
  }
}

function lintGeneralName(name: GeneralName, report: Report): void {
  switch (name.type) {
    case 'dns':
      return lintDnsName(name.value, report);
    case 'email':
      return isMailbox(name.value) ? undefined : report('email_syntax', JSON.stringify(name.value));
    case 'uri':
      return lintUri(name.value, report);
    case 'ip':
      return isMappedIpv4(name.value) ? report('ip_mapped', toHex(name.value)) : undefined;
    case 'directory':
      return lintName(name.value, report);
    case 'x400':
    case 'ediParty':
      return report('alt_name_unused_type', name.type);
    default:
      return undefined;
  }
}

function lintDnsName(value: string, report: Report): void {
  const wildcard = value.startsWith('*.');
  const rest = wildcard ? value.slice(2) : value;
  if (rest.includes('*') || (wildcard && !rest.includes('.'))) report('dns_name_wildcard', JSON.stringify(value));
  else if (!isHostName(rest)) report('dns_name_syntax', JSON.stringify(value));
  if (rest.includes('_')) report('dns_name_underscore', JSON.stringify(value));
}

/** The preferred name syntax (RFC 1034, section 3.5; RFC 1123, section 2.1), underscores apart, without a closing dot. */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > maxHostCharacters) return false;
  const labels = text.split('.');
  return labels.every((one) => label.test(one)) && !/^[0-9]+$/.test(labels.at(-1) ?? '');
}

/** `Local-part@Domain` without quotes (RFC 5280, section 4.2.1.6; RFC 2821, section 4.1.2). */
export function isMailbox(text: string): boolean {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const domain = text.slice(at + 1);
  const atom = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
  const literal = /^\[[0-9A-Fa-f.:]+\]$/;
  return at > 0 && local.length <= 64 && atom.test(local) && (isHostName(domain) || literal.test(domain));
}

function lintUri(value: string, report: Report): void {
  if (value.toLowerCase().startsWith('spiffe:')) {
    const spiffe = parseSpiffeId(value);
    if (!spiffe.ok) report('uri_spiffe', `${JSON.stringify(value.slice(0, 80))} (${spiffe.code})`);
  } else if (!isAbsoluteUri(value)) report('uri_syntax', JSON.stringify(value.slice(0, 80)));
}

/** Absolute, of characters that RFC 3986 allows, and where it has an authority, with a host in it (RFC 5280, section 4.2.1.6). */
export function isAbsoluteUri(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(text)) return false;
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return false;
  const authority = /^[^:]+:\/\/([^/?#]*)/.exec(text)?.[1];
  if (authority === undefined) return true;
  const host = authority.replace(/^[^@]*@/, '').replace(/:[0-9]*$/, '');
  return isHostName(host) || /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/.test(host) || /^\[[0-9A-Fa-f.:]+\]$/.test(host);
}

/** ::ffff:0:0/96 */
function isMappedIpv4(octets: Uint8Array): boolean {
  return octets.length === 16 && octets.subarray(0, 12).every((octet, i) => octet === (i < 10 ? 0 : 0xff));
}

/** A general name in words, one text for each value. */
export function describeGeneralName(name: GeneralName): string {
  switch (name.type) {
    case 'dns':
    case 'email':
    case 'uri':
    case 'registeredId':
      return `${name.type}:${JSON.stringify(name.value.slice(0, 2048))}`;
    case 'directory':
      return `directory:${name.value.key}`;
    case 'other':
      return `other:${name.oid}:${toHex(name.value)}`;
    default:
      return `${name.type}:${toHex(name.value)}`;
  }
}

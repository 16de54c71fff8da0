import { formatIpAddress, parseIpAddress } from '@countersign/pki';
import type { San } from '@countersign/protocol';

/**
 * A name with its type, in its one normal form. Names of different types are never compared, and a name only exists in this form:
 * whoever has a TypedName has a well-formed one.
 */
export interface TypedName {
  readonly type: 'cn' | San['type'];
  readonly value: string;
}

/** Names by their key; see `nameSet`. */
export type NameSet = ReadonlyMap<string, TypedName>;

/** What text is not a name of its type, and why. */
export interface MalformedName {
  readonly malformed: string;
}

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/u;

/** Whether `text` is a host name as certificates carry it: lower-case LDH labels (and `_`), one leading `*` label at most. */
export function isDnsName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split('.');
  // A wildcard over a whole public suffix or over everything is nobody's name.
  if (labels[0] === '*') return labels.length >= 3 && labels.slice(1).every((one) => label.test(one));
  // Labels that are all digits at the end read as an IPv4 address somewhere.
  if (/^\d+$/u.test(labels.at(-1) ?? '')) return false;
  return labels.every((one) => label.test(one));
}

function parseDns(text: string): string | MalformedName {
  const lower = text.toLowerCase();
  if (isDnsName(lower)) return lower;
  if (/[^\u0021-\u007e]/u.test(text)) return { malformed: 'a dns name is written in ASCII (the A-label of an IDN)' };
  if (parseIpAddress(text) !== undefined) return { malformed: 'an IP address is not a dns name: ask for ip' };
  return { malformed: 'not a host name' };
}

function parseIp(text: string): string | MalformedName {
  const octets = parseIpAddress(text);
  if (octets === undefined) return { malformed: 'not an IP address' };
  const mapped = octets.length === 16 && octets.subarray(0, 12).every((octet, i) => octet === (i < 10 ? 0 : 0xff));
  // One address would have two forms, and rules would be written for the other.
  if (mapped) return { malformed: 'an IPv4-mapped address is written as IPv4' };
  return formatIpAddress(octets);
}

function parseEmail(text: string): string | MalformedName {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const domain = text.slice(at + 1).toLowerCase();
  if (at < 1 || local.length > 64 || !/^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/u.test(local)) {
    return { malformed: 'not an e-mail address (its local part in ASCII, without quotes)' };
  }
  if (!isDnsName(domain) || domain.startsWith('*')) return { malformed: 'the domain of the e-mail address is none' };
  return `${local}@${domain}`;
}

// SPIFFE-ID, sections 2.1 and 2.2.
const spiffe = /^spiffe:\/\/(?<domain>[a-z0-9._-]{1,255})(?<path>(?:\/[A-Za-z0-9._-]+)*)$/u;

function parseUri(text: string): string | MalformedName {
  if (text.length > 2048 || !/^[\u0021-\u007e]+$/u.test(text)) return { malformed: 'a URI is printable ASCII' };
  const colon = text.indexOf(':');
  const scheme = text.slice(0, colon).toLowerCase();
  if (colon < 1 || !/^[a-z][a-z0-9+.-]*$/u.test(scheme))
    return { malformed: 'a URI is absolute: it begins with its scheme' };
  if (!/^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/u.test(text) || /%(?![0-9A-Fa-f]{2})/u.test(text)) {
    return { malformed: 'the URI contains what RFC 3986 does not allow' };
  }
  if (scheme === 'spiffe') {
    const segments = spiffe.exec(text)?.groups?.['path']?.split('/');
    if (segments === undefined || segments.includes('.') || segments.includes('..'))
      return { malformed: 'not a SPIFFE ID' };
    return text;
  }
  const rest = text.slice(colon + 1);
  if (rest === '') return { malformed: 'the URI has nothing after its scheme' };
  // RFC 5280, section 4.2.1.6: where there is an authority, it names a host.
  if (rest.startsWith('//') && !/^\/\/[^/?#]+/u.test(rest)) return { malformed: 'the URI names no host' };
  return `${scheme}:${rest}`;
}

function parseCommonName(text: string): string | MalformedName {
  const normal = text.normalize('NFC');
  if (normal.length > 64) return { malformed: 'a name has at most 64 characters' };
  // Bidirectional controls and the like make a name look like another.
  if (/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(normal)) {
    return { malformed: 'a name has no control characters' };
  }
  if (normal.trim() !== normal || normal === '')
    return { malformed: 'a name has no space at its ends and is not empty' };
  return normal;
}

const parsers = { cn: parseCommonName, dns: parseDns, ip: parseIp, email: parseEmail, uri: parseUri } as const;

/**
 * The name that `text` is, in its normal form.
 *
 * @example parseTypedName('dns', 'API.Example') // { type: 'dns', value: 'api.example' }
 */
export function parseTypedName(type: TypedName['type'], text: string): TypedName | MalformedName {
  if (text.includes('\0')) return { malformed: 'a name has no NUL' };
  const value = parsers[type](text);
  return typeof value === 'string' ? { type, value } : value;
}

function nameKey(name: TypedName): string {
  return `${name.type}:${name.value}`;
}

/** A set of names. */
export function nameSet(names: Iterable<TypedName>): NameSet {
  const set = new Map<string, TypedName>();
  for (const name of names) set.set(nameKey(name), name);
  return set;
}

/**
 * The names of `wanted` that nobody proved. A wildcard is proven only by itself: it never covers names, and names never add up to it.
 */
export function namesNotProven(wanted: NameSet, proven: NameSet): readonly TypedName[] {
  return [...wanted].filter(([key]) => !proven.has(key)).map(([, name]) => name);
}

/** Names as people read them: `dns:a.example, ip:10.0.0.1`. */
export function describeNames(names: Iterable<TypedName>): string {
  return Array.from(names, (name) => (name.type === 'cn' ? `name ${JSON.stringify(name.value)}` : nameKey(name))).join(
    ', ',
  );
}

/** The subjectAltNames of a set, in its order. */
export function sansOf(names: NameSet): San[] {
  return [...names.values()].flatMap(({ type, value }) => (type === 'cn' ? [] : [{ type, value }]));
}

/** The common name of a set. */
export function commonNameOf(names: NameSet): string {
  return [...names.values()].find(({ type }) => type === 'cn')?.value ?? '';
}

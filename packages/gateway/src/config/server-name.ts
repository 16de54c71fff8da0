import { isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/u;

/**
 * The one form of a host name: lower case, A-labels (RFC 5891), without the root's dot; of an IP address its canonical text
 * without brackets. Undefined for what is neither.
 *
 * @example
 * ```ts
 * normalizeServerName('Api.Example.COM.'); // 'api.example.com'
 * normalizeServerName('[::0:1]'); // '::1'
 * ```
 */
export function normalizeServerName(text: string): string | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const family = isIP(bare);
  if (family === 4) return bare;
  if (family === 6) return canonicalIPv6(bare);
  if (bare !== text) return undefined;
  const ascii = /[^\u0020-\u007e]/u.test(text) ? domainToASCII(text) : text.toLowerCase();
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii;
  return isDnsName(name) ? name : undefined;
}

/** The one form of a name that a host of the configuration serves: as above, or `*.` before a DNS name, or `*`. */
export function normalizeNamePattern(text: string): string | undefined {
  if (text === '*') return '*';
  if (!text.startsWith('*.')) return normalizeServerName(text);
  const rest = normalizeServerName(text.slice(2));
  return rest === undefined || isIP(rest) !== 0 ? undefined : `*.${rest}`;
}

/**
 * The entry that serves `name` (in its normal form): an exact name goes before a wildcard, a wildcard before `*`. A wildcard
 * stands for exactly one label and never for a part of an IP address.
 */
export function selectByName<Host extends { readonly names: readonly string[] }>(
  hosts: readonly Host[],
  name: string,
): Host | undefined {
  const dot = name.indexOf('.');
  const wildcard = dot > 0 && isIP(name) === 0 ? `*${name.slice(dot)}` : undefined;
  for (const wanted of [name, wildcard, '*']) {
    const found = wanted === undefined ? undefined : hosts.find((host) => host.names.includes(wanted));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isDnsName(name: string): boolean {
  if (name.length === 0 || name.length > 253) return false;
  const labels = name.split('.');
  // A name whose last label is a number would be read as an IPv4 address by some (WHATWG URL, "ends in a number").
  return labels.every((label) => LABEL.test(label)) && !/^(?:\d+|0x[0-9a-f]*)$/u.test(labels.at(-1) ?? '');
}

function canonicalIPv6(text: string): string | undefined {
  if (text.includes('%') || !isIPv6(text)) return undefined;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

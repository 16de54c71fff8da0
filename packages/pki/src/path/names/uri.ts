/** URIs in certificates (RFC 5280, 4.2.1.6 and 4.2.1.10; RFC 3986 for the syntax). */

import { isDnsName } from './dns.ts';
import { hasDomain } from './email.ts';
import { parseIpAddress } from './ip.ts';

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/i;
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/** Whether the text is an absolute URI (RFC 5280: "the name MUST NOT be a relative URI"). */
export function isAbsoluteUri(text: string): boolean {
  return ABSOLUTE.test(text);
}

/**
 * The host of a URI that has an authority with a DNS name.
 *
 * @returns `undefined` without an authority, with an IP address, or with a host that is no DNS name.
 */
export function uriHost(uri: string): string | undefined {
  const authority = AUTHORITY.exec(uri)?.[1];
  if (authority === undefined) return undefined;
  const host = authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase();
  if (!isDnsName(host, { underscore: true }) || parseIpAddress(host) !== undefined) return undefined;
  return host;
}

/** The subtrees of the uniformResourceIdentifier constraints: a host, or the hosts below a domain. */
export class UriSubtrees {
  readonly #hosts = new Set<string>();
  readonly #domains = new Set<string>();
  #everything = false;

  /** @returns false when the constraint is neither a host nor a domain. */
  add(constraint: string): boolean {
    if (constraint === '') {
      this.#everything = true;
      return true;
    }
    const lower = constraint.toLowerCase();
    const dotted = lower.startsWith('.');
    const name = dotted ? lower.slice(1) : lower;
    if (!isDnsName(name, { underscore: true }) || parseIpAddress(name) !== undefined) return false;
    (dotted ? this.#domains : this.#hosts).add(name);
    return true;
  }

  /** Whether the host lies inside one of the subtrees. */
  covers(host: string): boolean {
    return this.#everything || this.#hosts.has(host) || hasDomain(this.#domains, host);
  }
}

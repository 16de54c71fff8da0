/** The host a request is for: one normal form for every spelling, or none. */
import { normalizeServerName } from '../config/server-name.ts';

export interface Authority {
  /** In the form of the configuration's names: lower case, no trailing dot, an IPv6 address without brackets. */
  readonly host: string;
  /** 1-65535, where the client named one. */
  readonly port: number | undefined;
}

/**
 * `uri-host [":" port]` of RFC 9110 section 7.2 in its normal form; undefined for what has none: user information, percent
 * escapes, U-labels (the A-label is the form on the wire), white space, an empty or over-long label, an odd IPv4 spelling.
 *
 * @example parseAuthority('API.Test.:8443') // { host: 'api.test', port: 8443 }
 */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{0,5}))?$/.exec(text);
  const host = match === null ? undefined : normalizeServerName(match[1] as string);
  if (match === null || host === undefined) return undefined;
  const digits = match[2];
  if (digits === undefined || digits === '') return { host, port: undefined };
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** The text of an authority, as a Host field has it. */
export function formatAuthority(authority: Authority): string {
  const host = authority.host.includes(':') ? `[${authority.host}]` : authority.host;
  return authority.port === undefined ? host : `${host}:${authority.port}`;
}

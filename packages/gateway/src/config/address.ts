import { isIPv6 } from 'node:net';

/** Where a listener binds. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST:PORT`: an IPv4 address, an IPv6 address in brackets, a host name, or `*` (all addresses). Port 0 asks for any
 * free one. Undefined where the text is no address.
 *
 * @example
 * ```ts
 * parseAddress('[::1]:9443'); // { host: '::1', port: 9443 }
 * ```
 */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  const bracketed = match[1];
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
  const host = match[2] ?? '';
  return { host: host === '*' ? '::' : host, port };
}

/** `HOST:PORT` of an address, an IPv6 host in brackets. */
export function formatAddress(address: Address): string {
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

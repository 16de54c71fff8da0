/** Where a request came from, in our own words: RFC 7239 and the older fields that services read. */
import { isIPv6 } from 'node:net';
import type { ConnectionContext } from '../connection.ts';

type Endpoints = Pick<ConnectionContext, 'remoteAddress' | 'remotePort' | 'localPort'>;

/**
 * Field lines for the upstream, each ended by CRLF. The client's own copies are dropped before: this gateway is where the
 * client is known, so nothing it says of earlier hops is evidence.
 *
 * @param host normalised, with a port where the client named one
 */
export function forwardedFields(endpoints: Endpoints, host: string): string {
  const address = plainAddress(endpoints.remoteAddress);
  const node = isIPv6(address) ? `"[${address}]"` : address;
  const quotedHost = /^[A-Za-z0-9.-]+$/.test(host) ? host : `"${host}"`;
  return (
    `Forwarded: for=${node};host=${quotedHost};proto=https\r\n` +
    `X-Forwarded-For: ${address}\r\n` +
    `X-Forwarded-Host: ${host}\r\n` +
    `X-Forwarded-Proto: https\r\n` +
    `X-Forwarded-Port: ${endpoints.localPort}\r\n`
  );
}

/** An IPv4 address that a dual-stack socket shows as mapped is told as IPv4; a zone is not told. */
function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address.replace(/%.*$/, '');
}

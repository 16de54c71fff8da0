import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { ListenOptions } from 'node:net';
import { AuthorityError } from '../errors.ts';
import { systemCode } from './files.ts';

/** A host and port, as text `HOST:PORT` or `[V6]:PORT`. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`. Throws `invalid_option`. */
export function parseAddress(text: string): Address {
  const groups = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/u.exec(text)?.groups;
  const host = groups?.['v6'] ?? groups?.['host'];
  const port = Number(groups?.['port']);
  if (host === undefined || port > 65_535)
    throw new AuthorityError('invalid_option', `${JSON.stringify(text)} is not HOST:PORT`);
  return { host, port };
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Listens; resolves when it does. Throws `port_in_use`, `address_unavailable`. */
export async function listen(server: Server | SecureServer, where: ListenOptions, words: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(where, resolve);
  try {
    await promise;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EADDRINUSE') throw new AuthorityError('port_in_use', words, { cause: error });
    if (code === undefined) throw error;
    throw new AuthorityError('address_unavailable', `${words} (${code})`, { cause: error });
  } finally {
    server.off('error', reject);
  }
}

/** Listens on an address; where that was, with the real port. */
export async function listenOn(server: Server | SecureServer, text: string): Promise<Address> {
  const { host, port } = parseAddress(text);
  await listen(server, { host, port }, text);
  const bound = server.address();
  return { host, port: typeof bound === 'object' && bound !== null ? bound.port : port };
}

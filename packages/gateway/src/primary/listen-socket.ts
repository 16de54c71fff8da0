import net from 'node:net';
import { isIPv6 } from 'node:net';
import { lookup } from 'node:dns/promises';
import { getSystemErrorMap } from 'node:util';
import { type Address, formatAddress } from '../config/address.ts';

/** The handle of a bound TCP socket, as Node passes it between processes. */
export interface BoundHandle {
  close(): void;
  getsockname(into: { address?: string; port?: number }): number;
}

/** Node's own way to bind without accepting: what `cluster` with SCHED_NONE does in its parent. */
interface NetInternals {
  _createServerHandle?: (
    host: string,
    port: number,
    addressType: 4 | 6,
    fd?: number,
    flags?: number,
  ) => BoundHandle | number;
}

/** A socket that is bound and belongs to the primary, however many workers come and go. */
export interface ListenSocket {
  /** The address that was asked for, `HOST:PORT`; port 0 asks for any. */
  readonly asked: string;
  /** With the real port. */
  readonly address: Address;
  /** To be sent to a worker, which listens on it and accepts. */
  readonly handle: BoundHandle;
  /** Gives up the primary's hold; the workers' go on. */
  close(): void;
}

export type OpenResult =
  | { readonly ok: true; readonly socket: ListenSocket }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * Binds `address` without accepting. The workers accept from this socket themselves, so no connection passes through the
 * primary, and since the primary holds it too, what waits in its queue outlives any worker (also the only one). `cluster`
 * would close it with its last worker, and closes the worker's side before the parent's when it stops.
 *
 * A busy port is a value (`EADDRINUSE`), never a silent share of another process's clients.
 */
export async function openListenSocket(address: Address): Promise<OpenResult> {
  const resolved = await resolveHost(address.host);
  if (resolved === undefined) return failure(address, 'ENOTFOUND', 'there is no such host');
  const create = (net as NetInternals)._createServerHandle;
  if (create === undefined)
    return failure(address, 'ENOSYS', `Node ${process.versions.node} cannot bind without accepting`);
  const handle = create(resolved, address.port, isIPv6(resolved) ? 6 : 4);
  if (typeof handle === 'number') return systemFailure(address, handle);
  const name: { address?: string; port?: number } = {};
  const error = handle.getsockname(name);
  // libuv keeps EADDRINUSE back until listen(), which would then take a random port: the port tells.
  if (error !== 0 || (address.port !== 0 && name.port !== address.port)) {
    handle.close();
    return failure(address, 'EADDRINUSE', 'the address is already in use');
  }
  const asked = formatAddress(address);
  const socket = { asked, address: { host: address.host, port: name.port ?? 0 }, handle, close: () => handle.close() };
  return { ok: true, socket };
}

async function resolveHost(host: string): Promise<string | undefined> {
  if (net.isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    return undefined;
  }
}

function systemFailure(address: Address, errno: number): OpenResult {
  const [code, words] = getSystemErrorMap().get(errno) ?? ['UNKNOWN', `error ${errno}`];
  return failure(address, code, words);
}

function failure(address: Address, code: string, words: string): OpenResult {
  return { ok: false, code, message: `cannot listen on ${formatAddress(address)}: ${words} (${code})` };
}

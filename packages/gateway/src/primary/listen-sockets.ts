import { formatAddress } from '../config/address.ts';
import type { ListenerConfig } from '../config/config.ts';
import { type ListenSocket, openListenSocket } from './listen-socket.ts';
import { GatewayStartError } from './start-error.ts';

/** The sockets of a configuration's listeners, by the listener's id. */
export type ListenSockets = ReadonlyMap<string, ListenSocket>;

/**
 * Binds the sockets of all listeners. Those that `before` has for the same address are taken over, so that nobody who waits
 * in their queue is lost.
 *
 * @throws GatewayStartError EADDRINUSE and the like; then nothing stays open but what `before` had
 */
export async function openListenSockets(
  listeners: readonly ListenerConfig[],
  before: ListenSockets = new Map(),
): Promise<ListenSockets> {
  const sockets = new Map<string, ListenSocket>();
  const free = new Map(before);
  const opened: ListenSocket[] = [];
  for (const { id, address } of listeners) {
    const wanted = formatAddress(address);
    const known = [...free].find(([, socket]) => socket.asked === wanted);
    if (known !== undefined) {
      free.delete(known[0]);
      sockets.set(id, known[1]);
      continue;
    }
    const result = await openListenSocket(address);
    if (!result.ok) {
      for (const socket of opened) socket.close();
      throw new GatewayStartError(result.code, result.message, { retry: result.code === 'EADDRINUSE' });
    }
    opened.push(result.socket);
    sockets.set(id, result.socket);
  }
  return sockets;
}

/** Closes those of `before` that `after` has not taken over. */
export function closeUnused(before: ListenSockets, after: ListenSockets): void {
  const kept = new Set(after.values());
  for (const socket of before.values()) if (!kept.has(socket)) socket.close();
}

import type { Socket } from 'node:net';
import type { ConnectionContext, ConnectionHandle, HttpOptions, Router } from '../connection.ts';
import { Http1Connection } from './connection.ts';

/**
 * Serves HTTP/1.1 (and 1.0) on a connection that is handshaken and judged. The socket must not have been read from, and
 * belongs to the handle from now on.
 *
 * @example const handle = serveHttp1(tlsSocket, context, router, DEFAULT_HTTP_OPTIONS);
 */
export function serveHttp1(
  socket: Socket,
  context: ConnectionContext,
  router: Router,
  options: HttpOptions,
): ConnectionHandle {
  return new Http1Connection(socket, context, router, options);
}

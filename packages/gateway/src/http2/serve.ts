import type { Socket } from 'node:net';
import type { ConnectionContext, ConnectionHandle, HttpOptions, Router } from '../connection.ts';
import { Http2Connection } from './connection.ts';

/**
 * Serves HTTP/2 on a connection that is handshaken (ALPN `h2`) and judged. The socket must not have been read from, and
 * belongs to the handle from now on.
 *
 * @example const handle = serveHttp2(tlsSocket, context, router, DEFAULT_HTTP_OPTIONS);
 */
export function serveHttp2(
  socket: Socket,
  context: ConnectionContext,
  router: Router,
  options: HttpOptions,
): ConnectionHandle {
  return new Http2Connection(socket, context, router, options);
}

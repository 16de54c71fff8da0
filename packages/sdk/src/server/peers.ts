import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, Http2Session, Http2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';

import type { LiveHandle } from '@countersign/trust';

import { SdkError } from '../errors.ts';

/** Whatever a handler has in hand of a connection. */
export type PeerConnection = TLSSocket | IncomingMessage | Http2ServerRequest | Http2Session | Http2Stream;

/** Who is at the other end of a connection that was admitted; no handle: nobody who has shown a certificate. */
export interface AdmittedPeer {
  readonly correlationId: string;
  readonly handle: LiveHandle | undefined;
}

/** Who is at the other end of which connection: known for as long as the connection, or a request of it, is. */
export class Peers {
  readonly #peers = new WeakMap<object, AdmittedPeer>();

  add(connection: TLSSocket | Http2Session | Http2Stream, peer: AdmittedPeer): void {
    this.#peers.set(connection, peer);
  }

  /** @throws SdkError `connection_unknown`: it is of no server of ours, so nobody has judged it. */
  of(connection: PeerConnection): AdmittedPeer {
    for (const candidate of candidates(connection)) {
      const peer = this.#peers.get(candidate);
      if (peer !== undefined) return peer;
    }
    throw new SdkError('connection_unknown', 'this connection was not admitted by a server of this trust');
  }
}

/** From the outside in: a request of HTTP/2 has a stream, which has a session; one of HTTP/1.1 has its socket. */
function candidates(connection: PeerConnection): object[] {
  const found: object[] = [connection];
  if ('stream' in connection && isObject(connection.stream)) found.push(connection.stream);
  const [innermost = connection] = found.slice(-1);
  if ('session' in innermost && isObject(innermost.session)) found.push(innermost.session);
  // What HTTP/2 shows as its socket is a proxy that nothing is kept for; only that of HTTP/1.1 is the connection itself.
  if (found.length === 1 && 'socket' in connection && isObject(connection.socket)) found.push(connection.socket);
  return found;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

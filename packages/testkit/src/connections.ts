// Live connections of Node clients, and how each of them learns that it is over.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ClientFiles } from './product.ts';

/** TLS options that show a client's certificate to the gateway on loopback. */
export function tlsOptions(port: number, client: Partial<ClientFiles>): ConnectionOptions {
  return {
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ...(client.ca === undefined ? {} : { ca: readFileSync(client.ca) }),
    ...(client.cert === undefined ? {} : { cert: readFileSync(client.cert) }),
    ...(client.key === undefined ? {} : { key: readFileSync(client.key) }),
  };
}

/** A TLS connection over which HTTP/1.1 is spoken by hand. */
export interface RawConnection extends Disposable {
  readonly socket: TLSSocket;
  /** Everything received so far. */
  received(): string;
  /** Sends text and waits until `expected` has been received after it. */
  ask(text: string, expected: RegExp): Promise<string>;
  /** Resolves with the moment (performance.now) at which the connection was over, however it ended. */
  readonly ended: Promise<number>;
}

/** Opens a connection; resolves when the handshake is done on the client's side. */
export async function rawConnection(options: ConnectionOptions): Promise<RawConnection> {
  const socket = connectTls({ ALPNProtocols: ['http/1.1'], ...options });
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const over = (): void => resolve(performance.now());
  socket.on('end', over);
  socket.on('close', over);
  // A reset is one of the ways to end; `ended` tells it.
  socket.on('error', over);
  await once(socket, 'secureConnect');
  return {
    socket,
    received: () => text,
    ask: async (request, expected) => {
      const from = text.length;
      socket.write(request);
      for (;;) {
        const rest = text.slice(from);
        if (expected.test(rest)) return rest;
        const more = await Promise.race([once(socket, 'data').then(() => true), ended.then(() => false)]);
        if (!more && !expected.test(text.slice(from)))
          throw new Error(`the connection ended after: ${text.slice(from)}`);
      }
    },
    ended,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** One plain GET as text. */
export const getRequest = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** An HTTP/2 session with its end as a promise. */
export interface Http2Connection extends Disposable {
  readonly session: ClientHttp2Session;
  /** Whether the server announced the end (GOAWAY) before the connection was over. */
  sawGoaway(): boolean;
  readonly ended: Promise<number>;
  /** One request: status, headers and body. */
  get(path: string): Promise<{ status: number; headers: Readonly<Record<string, unknown>>; body: string }>;
}

/** Opens an HTTP/2 session on loopback; resolves when it is connected. */
export async function http2Connection(port: number, client: Partial<ClientFiles>): Promise<Http2Connection> {
  const session = connectHttp2(`https://localhost:${port}`, {
    createConnection: () => connectTls({ ...tlsOptions(port, client), ALPNProtocols: ['h2'] }),
  });
  let goaway = false;
  session.on('goaway', () => (goaway = true));
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  session.on('close', () => resolve(performance.now()));
  session.on('error', () => resolve(performance.now()));
  await once(session, 'connect');
  return {
    session,
    sawGoaway: () => goaway,
    ended,
    get: async (path) => {
      const stream: ClientHttp2Stream = session.request({ ':path': path });
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      let body = '';
      stream.setEncoding('utf8');
      for await (const chunk of stream as AsyncIterable<string>) body += chunk;
      return { status: Number(headers[':status']), headers, body };
    },
    [Symbol.dispose]: () => session.destroy(),
  };
}

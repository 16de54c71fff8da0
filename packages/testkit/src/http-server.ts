// Plain HTTP servers as revocation is fetched from them: well-behaved ones, and each way in which one can be bad.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface TestHttpServer extends AsyncDisposable {
  /** Of the root path. */
  readonly url: string;
  readonly port: number;
  /** Every request so far. */
  readonly seen: readonly IncomingMessage[];
  /** Connections so far, those without a request included. */
  readonly connections: number;
  /** Connections that are open. */
  readonly open: number;
  /** Answers in another way from now on. */
  behave(listener: RequestListener): void;
}

/**
 * Serves HTTP on a free port of the loopback, or on a port that is given.
 *
 * @example await using server = await serveHttp((_request, response) => response.end(crl));
 */
export async function serveHttp(listener: RequestListener, host = '127.0.0.1', on = 0): Promise<TestHttpServer> {
  let current = listener;
  const seen: IncomingMessage[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((request, response) => {
    seen.push(request);
    current(request, response);
  });
  server.on('connection', (socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(on, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    port,
    seen,
    get connections() {
      return connections;
    },
    get open() {
      return open.size;
    },
    behave(next) {
      current = next;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A port of the loopback on which nobody listens: nobody else is given it soon. */
export async function deadPort(): Promise<number> {
  await using server = await serveHttp(() => undefined);
  return server.port;
}

/** Ways to be a bad server; each still has to be withstood. */
export const BAD_ANSWERS = {
  silent: () => undefined,
  'byte by byte': (_request, response) => {
    response.writeHead(200, { 'content-length': 2000 });
    const timer = setInterval(() => response.write('0'), 20);
    response.on('close', () => clearInterval(timer));
  },
  redirecting: (_request, response) => {
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
  },
  '50 MB': (_request, response) => {
    response.writeHead(200, { 'content-length': 50 * 1024 * 1024 });
    pour(response, 50 * 1024 * 1024);
  },
  endless: (_request, response) => {
    response.writeHead(200);
    pour(response, Infinity);
  },
  'gzip bomb': (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(8 * 1024 * 1024)));
  },
  'web page': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
  },
  empty: (_request, response) => {
    response.writeHead(200).end();
  },
  truncated: (_request, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('half', () => response.destroy());
  },
  error: (_request, response) => {
    response.writeHead(500).end('no');
  },
} as const satisfies Record<string, RequestListener>;

function pour(response: Parameters<RequestListener>[1], total: number): void {
  const piece = Buffer.alloc(65_536);
  let left = total;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= piece.length;
      if (!response.write(piece)) return;
    }
    response.end();
  };
  response.on('drain', more);
  more();
}

// Upstreams: one that answers with what it saw, and one that says exactly the bytes it is told to.
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface TestUpstream extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** One request as the upstream saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
}

/** Answers each request with what it saw, as JSON, and remembers it. */
export async function startEcho(): Promise<TestUpstream & { readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const upstream = await startHttp((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders, trailers } = request;
      const saw: Seen = { method, url, headers, rawHeaders, body, trailers };
      seen.push(saw);
      response.end(JSON.stringify(saw));
    });
  });
  return { ...upstream, seen };
}

export async function startHttp(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestUpstream> {
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Hands each connection to `handler`, and ends all of them with itself. */
export async function startRaw(handler: (socket: Socket, ordinal: number) => void): Promise<TestUpstream> {
  const sockets = new Set<Socket>();
  let ordinal = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    // A gateway that cuts the connection is what some tests are about.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    handler(socket, ordinal++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers every request head with the same bytes. */
export async function startCanned(response: string): Promise<TestUpstream> {
  return startRaw((socket) => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      while (text.includes('\r\n\r\n')) {
        text = text.slice(text.indexOf('\r\n\r\n') + 4);
        socket.write(response, 'latin1');
      }
    });
  });
}

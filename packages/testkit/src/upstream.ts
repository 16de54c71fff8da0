// A real upstream server that remembers what it saw.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** One request as the upstream saw it; `rawHeaders` keeps case, order and duplicates. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** A listening upstream. `await using` closes it with all its connections. */
export interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
  readonly seen: SeenRequest[];
}

/**
 * Starts an HTTP/1.1 upstream on a free port. Without `handler` it answers 200 with what it saw, as JSON.
 *
 * @example await using upstream = await startUpstream(); upstream.seen[0]?.headers['client-cert']
 */
export async function startUpstream(
  handler?: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Upstream> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    const parts: Buffer[] = [];
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('end', () => {
      const saw: SeenRequest = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(parts).toString('utf8'),
      };
      seen.push(saw);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(saw));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// What stands behind the gateway when nobody names an upstream: it tells every caller what it sees of them.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The running demonstration. */
export interface DemoUpstream {
  readonly url: string;
  close(): void;
}

/**
 * Starts a small HTTP server on a free loopback port that answers with the request as it arrived, identity headers
 * included, as JSON.
 */
export async function startDemoUpstream(): Promise<DemoUpstream> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const saw = { method: request.method, url: request.url, headers: request.headers };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        `${JSON.stringify({ message: 'You reached the demo upstream. This is what it saw.', ...saw }, null, 2)}\n`,
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

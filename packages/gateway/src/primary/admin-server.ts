import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { type Address, formatAddress } from '../config/address.ts';
import { GatewayStartError } from './start-error.ts';

/** What the admin listener tells. */
export interface AdminPages {
  /** In the text format of Prometheus. */
  metrics(): Promise<string>;
  /** Undefined when ready, else why not, one reason a line. */
  notReady(): string | undefined;
}

/** A running admin listener. */
export interface AdminServer {
  /** With the real port. */
  readonly address: string;
  close(): void;
}

/**
 * The admin listener: plain HTTP, meant for loopback or a private network. `/healthz` says that the process lives, `/readyz`
 * that it would admit clients, `/metrics` everything it counts.
 *
 * @throws GatewayStartError where the address cannot be had
 */
export async function startAdminServer(listen: Address, pages: AdminPages): Promise<AdminServer> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    const reply = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(body);
    };
    const path = (request.url ?? '').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      reply(405, TEXT, 'only GET\n');
    } else if (path === '/healthz') {
      reply(200, TEXT, 'ok\n');
    } else if (path === '/readyz') {
      const why = pages.notReady();
      reply(why === undefined ? 200 : 503, TEXT, `${why ?? 'ready'}\n`);
    } else if (path === '/metrics') {
      pages.metrics().then(
        (text) => reply(200, 'text/plain; version=0.0.4; charset=utf-8', text),
        (error: unknown) => reply(500, TEXT, `${error instanceof Error ? error.message : 'failed'}\n`),
      );
    } else {
      reply(404, TEXT, 'here are /metrics, /healthz and /readyz\n');
    }
  });
  await listening(server, listen);
  const { address, port } = server.address() as AddressInfo;
  return {
    address: formatAddress({ host: address, port }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const TEXT = 'text/plain; charset=utf-8';

async function listening(server: Server, listen: Address): Promise<void> {
  server.listen(listen.port, listen.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = 'admin_failed', message } = error as NodeJS.ErrnoException;
    const words = code === 'EADDRINUSE' ? 'the address is already in use' : message;
    throw new GatewayStartError(code, `cannot listen on ${formatAddress(listen)}: ${words} (${code})`, {
      cause: error,
    });
  }
}

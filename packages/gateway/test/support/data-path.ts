// A gateway's data path on plain sockets: what it does with bytes is the same with and without TLS.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createRoot } from '@countersign/testkit';
import { Deadlines } from '../../src/clock/deadlines.ts';
import {
  type AccessEntry,
  type ConnectionContext,
  type ConnectionHandle,
  DEFAULT_HTTP_OPTIONS,
  type HostPolicy,
  type HttpLimits,
  type HttpTimeouts,
  type Peer,
  type Route,
} from '../../src/connection.ts';
import { serveHttp1 } from '../../src/http1/serve.ts';
import { serveHttp2 } from '../../src/http2/serve.ts';
import { createRouter } from '../../src/routing/router.ts';
import { createUpstream } from '../../src/upstream/upstream.ts';

export interface Counts {
  tunnelOpened: number;
  tunnelClosed: number;
  upstreamConnected: number;
  upstreamRetried: number;
}

export interface DataPath extends AsyncDisposable {
  readonly port: number;
  /** The server's CA, where it speaks TLS. */
  readonly ca: string | undefined;
  readonly entries: AccessEntry[];
  readonly handles: ConnectionHandle[];
  readonly counts: Counts;
  /** The entry with that index, once it is logged. */
  entry(index: number): Promise<AccessEntry>;
}

export interface DataPathSetup {
  readonly upstream: string;
  /** TLS with ALPN, HTTP/2 where the client offers it; else plain sockets and HTTP/1.1. */
  readonly tls?: boolean;
  readonly peer?: Peer;
  readonly clientCert?: 'required' | 'optional';
  /** Other hosts on the same listener. */
  readonly others?: (route: Route) => readonly HostPolicy[];
  readonly sni?: string;
  readonly permits?: Route['permits'];
  readonly limits?: Partial<HttpLimits>;
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly caFile?: string;
  readonly serverName?: string;
}

/** Serves host `a.test` (and 127.0.0.1) with one route to `upstream`. */
export async function startDataPath(setup: DataPathSetup): Promise<DataPath> {
  const deadlines = new Deadlines(20);
  const upstream = createUpstream(
    { url: new URL(setup.upstream), caFile: setup.caFile, serverName: setup.serverName },
    deadlines,
  );
  const route: Route = { id: 'main', path: '/', upstream, permits: setup.permits };
  const policy: HostPolicy = {
    id: 'a',
    names: ['a.test', '127.0.0.1'],
    clientCert: setup.clientCert ?? 'optional',
    routes: [route],
  };
  const router = createRouter([policy, ...(setup.others?.(route) ?? [])]);
  const options = {
    limits: { ...DEFAULT_HTTP_OPTIONS.limits, ...setup.limits },
    timeouts: { ...DEFAULT_HTTP_OPTIONS.timeouts, ...setup.timeouts },
    deadlines,
  };
  const entries: AccessEntry[] = [];
  const waiting = new Set<() => void>();
  const counts: Counts = { tunnelOpened: 0, tunnelClosed: 0, upstreamConnected: 0, upstreamRetried: 0 };
  const handles: ConnectionHandle[] = [];
  const serve = (socket: Socket, alpn: 'h2' | 'http/1.1' | undefined): void => {
    const context: ConnectionContext = {
      id: `c${handles.length}`,
      alpn,
      policy,
      sni: setup.sni,
      peer: setup.peer ?? { kind: 'none' },
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
      localAddress: socket.localAddress ?? '',
      localPort: socket.localPort ?? 0,
      now: Date.now,
      log: (entry) => {
        entries.push(entry);
        for (const wake of waiting) wake();
      },
      metrics: {
        tunnelOpened: () => void counts.tunnelOpened++,
        tunnelClosed: () => void counts.tunnelClosed++,
        upstreamConnected: () => void counts.upstreamConnected++,
        upstreamRetried: () => void counts.upstreamRetried++,
      },
    };
    handles.push((alpn === 'h2' ? serveHttp2 : serveHttp1)(socket, context, router, options));
  };
  let ca: string | undefined;
  let server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, undefined));
  if (setup.tls === true) {
    const root = await createRoot();
    const certificate = await root.issueServer('a.test', 'b.test');
    ca = root.pem;
    server = createTlsServer(
      { cert: certificate.chainPem, key: certificate.keyPem, ALPNProtocols: ['h2', 'http/1.1'] },
      (socket) => serve(socket, socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1'),
    );
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    entries,
    handles,
    counts,
    entry: async (index) => {
      for (;;) {
        const entry = entries[index];
        if (entry !== undefined) return entry;
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const handle of handles) handle.kill();
      upstream.close();
      server.close();
      await once(server, 'close');
    },
  };
}

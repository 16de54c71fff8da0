/**
 * What the listener side (TLS, verdicts, processes) and the data path (HTTP, routing, upstreams) know of each other.
 *
 * The listener side makes one {@link ConnectionContext} for each accepted TLS connection, after the verdict, and hands it
 * with the socket to `serveHttp1` or `serveHttp2`. It gets a {@link ConnectionHandle} back and registers `kill` as live.
 */
import type { Deadlines } from './clock/deadlines.ts';
import type { ProblemCode, RefusalCode } from './refusal/codes.ts';
import type { Exchange, ExchangeClient, UpstreamRequest } from './upstream/exchange.ts';

/** The judged identity of a client, as far as the data path needs it: `Identity` of @countersign/trust satisfies it. */
export interface ClientIdentity {
  /** RFC 4514 string of the subject. */
  readonly subject: string;
  /** The common name. */
  readonly name: string | undefined;
  /** Typed names; `type` and `value` are all that is read here. */
  readonly sans: readonly { readonly type: string; readonly value: unknown }[];
  readonly fingerprintSha256: string;
  readonly spkiSha256: string;
  readonly serialHex: string;
  readonly profile?: string | undefined;
  readonly leafDer: Uint8Array;
  /** The verified path above the leaf is what `Client-Cert-Chain` shows: leaf first, DER. */
  readonly chainDer: readonly Uint8Array[];
}

/** A live registration; the register ends the connection through {@link ConnectionHandle.kill}. */
export interface LiveRegistration {
  /** Set once the register has ended the connection; a request is never admitted after that. */
  readonly ended?: RefusalCode | undefined;
}

export type Peer =
  | { readonly kind: 'none' }
  | { readonly kind: 'accepted'; readonly identity: ClientIdentity; readonly handle?: LiveRegistration | undefined }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      /** In words, for the operator's log. */
      readonly detail: string;
      readonly mend?: string | undefined;
      readonly identity?: Partial<ClientIdentity> | undefined;
    };

/** One line of the access log: a plain object, handed over when a request has ended. */
export interface AccessEntry {
  /** Start of the request, milliseconds since the epoch. */
  time: number;
  correlationId: string;
  protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  method: string | undefined;
  /** The normalised host, or as received where it has no normal form. */
  host: string | undefined;
  /** The path without the query, which may hold secrets. */
  path: string | undefined;
  /** 0 when no response was begun. */
  status: number;
  /** Why the request was refused or failed, where it was. */
  code: ProblemCode | undefined;
  /** The operator's words for `code`; never sent to the peer. */
  detail: string | undefined;
  route: string | undefined;
  upstream: string | undefined;
  /** Body bytes received and sent. */
  bytesIn: number;
  bytesOut: number;
  durationMs: number;
  /** False when the connection ended before the response was complete. */
  complete: boolean;
}

/** Counters that cannot be derived from {@link AccessEntry}. */
export interface DataMetrics {
  tunnelOpened(): void;
  tunnelClosed(): void;
  upstreamConnected(upstream: string): void;
  upstreamRetried(upstream: string): void;
}

export interface ConnectionContext {
  /** Base of the correlation ids: request n of the connection has `${id}-${n}`. Visible ASCII, unguessable. */
  readonly id: string;
  readonly alpn: 'http/1.1' | 'h2' | undefined;
  /** The policy that the SNI selected, or the listener's default where there was none. */
  readonly policy: HostPolicy;
  /** The normalised SNI; undefined where the client sent none or it is unknown (TLS 1.2 resumption). */
  readonly sni: string | undefined;
  readonly peer: Peer;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  log(entry: AccessEntry): void;
  readonly metrics: DataMetrics;
}

/** Names, who may come in, and where requests go: one entry of `hosts` of a listener, compiled. */
export interface HostPolicy {
  /** Stable over reloads of an unchanged entry: the SNI's and the Host's policy are compared by it. */
  readonly id: string;
  /** Normalised: exact names, `*.` wildcards of one label, IP addresses, or `*` for any. */
  readonly names: readonly string[];
  readonly clientCert: 'required' | 'optional';
  readonly routes: readonly Route[];
}

export interface Route {
  readonly id: string;
  /** Normalised path prefix, matched on segment borders; the longest wins. */
  readonly path: string;
  /** Absent: as the host's. */
  readonly clientCert?: 'required' | 'optional' | undefined;
  /** The rule of the route beyond the host's; the host's was judged with the connection. Absent: anybody the host admits. */
  readonly permits?: ((identity: ClientIdentity) => boolean) | undefined;
  readonly upstream: Upstream;
}

/** Where requests go; made by `createUpstream` and shared by the routes of a worker. */
export interface Upstream {
  /** The configured URL without credentials, for logs. */
  readonly name: string;
  /** Begins a request. Nothing of `client` is called before this returns. */
  open(request: UpstreamRequest, client: ExchangeClient, timeouts: HttpTimeouts, metrics: DataMetrics): Exchange;
  /** Closes idle connections now, and the others when their exchange is over: for a route that is gone. */
  close(): void;
}

export type RouteDecision =
  | { readonly ok: true; readonly route: Route; readonly host: string; readonly path: string }
  | { readonly ok: false; readonly code: ProblemCode; readonly detail: string };

export interface Router {
  /**
   * Judges one request: its authority (`Host` or `:authority` as received) and path (without the query) under the
   * connection's policy, with the contract's precedence (certificate, misdirected, bad request). `path` of the answer is the
   * normalised one, which is what goes upstream.
   */
  resolve(authority: string, path: string, context: ConnectionContext): RouteDecision;
}

/** What came of `serveHttp1` and `serveHttp2`. */
export interface ConnectionHandle {
  /** Requests and tunnels in flight. */
  readonly inFlight: number;
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>;
  /** Finishes what is in flight and accepts no new request (HTTP/1.1: `Connection: close`; HTTP/2: GOAWAY), then closes. */
  drain(): void;
  /** Ends at once, without further bytes of any response (HTTP/2: GOAWAY first), tunnels too. */
  kill(reason?: RefusalCode): void;
}

/** Bounds of what a client may send. Bytes unless the name says otherwise. */
export interface HttpLimits {
  readonly requestLine: number;
  /** One field line. */
  readonly fieldLine: number;
  /** The whole header section, or trailer section. */
  readonly fieldSection: number;
  readonly fieldCount: number;
  /** Extensions of all chunks of a message. */
  readonly chunkExtensions: number;
  /** Body; undefined is unlimited. */
  readonly body?: number | undefined;
  /** Requests of one connection before it is closed in an orderly way. */
  readonly requestsPerConnection: number;
  /** HTTP/2: concurrent streams. */
  readonly concurrentStreams: number;
}

/** Milliseconds. */
export interface HttpTimeouts {
  /** From the first byte of a request (or the connection's start) to the end of its header section. */
  readonly header: number;
  /** Between two requests. */
  readonly keepAlive: number;
  /** A body in either direction that does not move, the client being the slow one. */
  readonly bodyIdle: number;
  readonly upstreamConnect: number;
  /** From the request's end, or its last progress, to the response's header section. */
  readonly upstreamResponse: number;
  /** A response body that does not move, the upstream being the slow one. */
  readonly upstreamIdle: number;
  /** A tunnel in which nothing moves either way; 0 is never. */
  readonly tunnelIdle: number;
}

export interface HttpOptions {
  readonly limits: HttpLimits;
  readonly timeouts: HttpTimeouts;
  /** Absent: those that the process shares. */
  readonly deadlines?: Deadlines | undefined;
}

export const DEFAULT_HTTP_OPTIONS: HttpOptions = {
  limits: {
    requestLine: 16_384,
    fieldLine: 16_384,
    fieldSection: 65_536,
    fieldCount: 128,
    chunkExtensions: 4096,
    requestsPerConnection: 1_000_000,
    concurrentStreams: 128,
  },
  timeouts: {
    header: 15_000,
    keepAlive: 75_000,
    bodyIdle: 60_000,
    upstreamConnect: 5000,
    upstreamResponse: 60_000,
    upstreamIdle: 60_000,
    tunnelIdle: 0,
  },
};

import type { ConnectionContext, Peer } from '../connection.ts';
import type { GatewayConfig, HostConfig, ListenerConfig } from '../config/config.ts';
import { normalizeServerName } from '../config/server-name.ts';
import { serveHttp1 } from '../http1/serve.ts';
import { serveHttp2 } from '../http2/serve.ts';
import { caHints, type KeyPair } from '@countersign/trust';
import { type Handshake, type HandshakeFailure, TlsListener } from '../listener/tls-listener.ts';
import type { WorkerMetrics } from '../metrics/worker-metrics.ts';
import { accessLine, connectionFields, quote } from '../log/access-line.ts';
import { admit, type AdmissionOptions } from './admission.ts';
import type { Connections } from './connections.ts';
import type { LineLog } from '../log/line-log.ts';
import { LogQuota } from '../log/log-quota.ts';
import { createPolicies, type ListenerPolicies, type Upstreams } from './policies.ts';
import { ServerContexts } from './server-contexts.ts';

/** Anybody can fail a handshake; the log must not drown in it. */
const MAX_FAILURES_A_SECOND = 20;

/** What the listeners of a worker share. */
export interface ListenerShared {
  readonly config: GatewayConfig;
  readonly admission: AdmissionOptions;
  readonly connections: Connections;
  readonly metrics: WorkerMetrics;
  readonly log: LineLog;
  readonly upstreams: Upstreams;
  /** Server certificates by the id of their source; kept up to date by the worker. */
  readonly pairs: ReadonlyMap<string, KeyPair>;
  /** The OCSP response to staple for a certificate (DER). */
  readonly stapleFor: (certificate: Uint8Array) => Buffer | null;
  readonly ticketKeys: Buffer;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** A resumed session could not be judged: full handshakes are needed. */
  readonly onUnjudgeable: () => void;
}

/** One listener of a worker: from the accepted socket to the data path. */
export class GatewayListener {
  readonly config: ListenerConfig;
  readonly tls: TlsListener;
  readonly #shared: ListenerShared;
  readonly #contexts: ServerContexts;
  readonly #policies: ListenerPolicies;
  readonly #quota = new LogQuota(MAX_FAILURES_A_SECOND);
  #judging = 0;

  constructor(config: ListenerConfig, shared: ListenerShared) {
    this.config = config;
    this.#shared = shared;
    this.#policies = createPolicies(config, shared.upstreams);
    this.#contexts = new ServerContexts(config, shared.pairs, (host) => this.#hints(host));
    this.tls = new TlsListener({
      handshakeTimeoutMs: shared.config.handshakeTimeoutMs,
      maxConnections: shared.config.limits.connections,
      maxHandshakes: shared.config.limits.handshakes,
      ticketKeys: shared.ticketKeys,
      defaultPair: this.#contexts.defaultPair,
      defaultHints: this.#contexts.defaultHints,
      contextFor: (serverName) => this.#contexts.contextFor(serverName),
      stapleFor: shared.stapleFor,
      onHandshake: (handshake) => void this.#serve(handshake),
      onFailure: (failure) => this.#failed(failure),
      onOverload: (what) => shared.metrics.overloaded(what),
    });
  }

  /** Connections past their handshake that are not served yet, because something is not known of them. */
  get judging(): number {
    return this.#judging;
  }

  /** A certificate, or (without an id) the CAs to hint at, have changed. */
  refresh(certificateId?: string): void {
    this.#contexts.apply(this.tls, certificateId);
  }

  #hints(host: HostConfig): readonly Buffer[] {
    const { state } = this.#shared.admission.trust;
    const anchors = host.trust.flatMap((name) => state.bundle(name)?.bundle.anchors ?? []);
    return caHints(anchors.map((anchor) => anchor.name));
  }

  async #serve(handshake: Handshake): Promise<void> {
    const { socket, id } = handshake;
    this.#judging += 1;
    // Until the data path has it, an error of the socket has nobody to go to.
    const ignore = () => undefined;
    socket.on('error', ignore);
    try {
      const sent = typeof socket.servername === 'string' && socket.servername !== '' ? socket.servername : undefined;
      const known = sent === undefined ? this.config.hosts[0] : this.#contexts.hostFor(sent);
      this.#shared.metrics.handshake(socket.getProtocol() ?? 'unknown', socket.isSessionReused());
      const admission = await admit(socket, known ?? this.config.hosts[0], this.#shared.admission);
      if (admission.kind === 'unjudgeable') {
        this.#shared.onUnjudgeable();
        this.#event('session_refused', handshake, 'a resumed session whose path nobody knows');
        socket.destroy();
        return;
      }
      if (socket.destroyed) {
        admission.abandon();
        return;
      }
      const sni = sent === undefined ? undefined : (normalizeServerName(sent) ?? sent.toLowerCase());
      const policy = known === undefined ? this.#policies.unknown : this.#policies.of(known);
      const context = this.#context(handshake, policy, sni, admission.peer);
      const serve = context.alpn === 'h2' ? serveHttp2 : serveHttp1;
      const connection = serve(socket, context, this.#policies.router, this.#shared.config.http);
      admission.attach(connection);
      this.#shared.connections.add(connection);
      socket.off('error', ignore);
    } catch (error) {
      // Whatever goes wrong here, the connection is not served: fail closed.
      this.#event(
        'connection_failed',
        { id, remoteAddress: handshake.remoteAddress, remotePort: handshake.remotePort },
        String(error),
      );
      socket.destroy();
    } finally {
      this.#judging -= 1;
    }
  }

  #context(
    { socket, id, remoteAddress, remotePort }: Handshake,
    policy: ConnectionContext['policy'],
    sni: string | undefined,
    peer: Peer,
  ): ConnectionContext {
    const { log, metrics, now } = this.#shared;
    const common = log.on ? connectionFields(`${remoteAddress}:${remotePort}`, socket, sni, peer) : '';
    return {
      id,
      alpn: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1',
      policy,
      sni,
      peer,
      remoteAddress,
      remotePort,
      localAddress: socket.localAddress ?? '',
      localPort: socket.localPort ?? 0,
      now,
      log(entry) {
        metrics.request(entry);
        if (log.on) log.write(accessLine(entry, common));
      },
      metrics,
    };
  }

  #failed(failure: HandshakeFailure): void {
    this.#shared.metrics.handshakeFailed(failure.code);
    // A client that connects and goes away again says nothing (health checks, port scans): counted is enough.
    if (failure.code === 'ECONNRESET') return;
    const suppressed = this.#quota.take(this.#shared.now());
    if (suppressed === undefined) return;
    if (suppressed > 0) this.#event('suppressed', failure, `${suppressed} failed handshakes were not logged`);
    this.#event('handshake_failed', failure, failure.detail, failure.code);
  }

  #event(
    event: string,
    from: { readonly id: string; readonly remoteAddress: string | undefined; readonly remotePort: number | undefined },
    detail: string,
    code?: string,
  ): void {
    const remote = `${from.remoteAddress ?? 'unknown'}:${from.remotePort ?? 0}`;
    const time = new Date(this.#shared.now()).toISOString();
    const reason = code === undefined ? '' : `,"code":${quote(code)}`;
    this.#shared.log.write(
      `{"event":"${event}","time":"${time}","correlationId":"${from.id}","remote":${quote(remote)}${reason},"detail":${quote(detail)}}`,
    );
  }
}

import { Counter, Gauge, Histogram, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';
import type { AccessEntry, DataMetrics } from '../connection.ts';

/** What a worker counts; the primary adds the workers' up. */
export interface WorkerMetrics extends DataMetrics {
  handshake(version: string, resumed: boolean): void;
  handshakeFailed(code: string): void;
  overloaded(what: 'connections' | 'handshakes'): void;
  /** A peer's certificate was refused at the connection. */
  refused(code: string): void;
  request(entry: AccessEntry): void;
  /** A connection was ended because its certificate no longer stands. */
  ended(code: string): void;
  /** A path was let through although its news about revocations is too old. */
  soft(source: string): void;
  /** A connection needed to know of certificates: it was known, or told, or not in time, or the client has left. */
  status(how: 'known' | 'told' | 'late' | 'left', ms: number): void;
  snapshot(): Promise<MetricObjectWithValues<MetricValue<string>>[]>;
}

/** What is read when the metrics are asked for. */
export interface WorkerGauges {
  readonly connections: () => number;
  readonly handshakes: () => number;
  readonly identities: () => number;
}

/**
 * The metrics of one worker. Labels come from fixed sets (codes, versions, statuses) or from the configuration, never from
 * what a peer sent.
 */
export function createWorkerMetrics(gauges: WorkerGauges): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name: `countersign_gateway_${name}`, help, labelNames: [...labelNames], registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `countersign_gateway_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  gauge('connections', 'Open TCP connections, those in their handshake included', gauges.connections);
  gauge('handshakes_pending', 'TLS handshakes under way', gauges.handshakes);
  gauge('identities', 'Live connections with an accepted certificate', gauges.identities);
  const handshakes = counter('handshakes_total', 'TLS handshakes that ended well', ['version', 'kind']);
  const failures = counter('handshake_failures_total', 'Handshakes that OpenSSL or a timeout ended', ['code']);
  const overload = counter('overload_total', 'Connections closed unheard because there are too many', ['limit']);
  const refusals = counter('refusals_total', 'Requests refused, by code', ['code']);
  const refused = counter('refused_connections_total', 'Connections whose certificate was refused, by code', ['code']);
  const endings = counter('ended_connections_total', 'Live connections ended by a verdict that no longer stands', [
    'code',
  ]);
  const soft = counter('soft_admissions_total', 'Verdicts that a soft source let through with old news', ['source']);
  const statuses = counter(
    'status_checks_total',
    'Connections whose certificates OCSP responders have a say about: by what was known, or after waiting',
    ['result'],
  );
  const waits = new Histogram({
    name: 'countersign_gateway_status_wait_seconds',
    help: 'How long connections have waited for the status of their certificates',
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 5],
    registers,
  });
  const requests = counter('requests_total', 'Requests by protocol and status', ['protocol', 'status']);
  const bytes = counter('body_bytes_total', 'Bytes of bodies', ['direction']);
  const duration = new Histogram({
    name: 'countersign_gateway_request_duration_seconds',
    help: "From a request's first byte to its response's last",
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers,
  });
  const tunnels = new Gauge({ name: 'countersign_gateway_tunnels', help: 'Open tunnels (WebSocket)', registers });
  const connects = counter('upstream_connections_total', 'Connections opened to upstreams', ['upstream']);
  const retries = counter('upstream_retries_total', 'Requests sent again on a fresh connection', ['upstream']);

  return {
    handshake: (version, resumed) => handshakes.inc({ version, kind: resumed ? 'resumed' : 'full' }),
    handshakeFailed: (code) => failures.inc({ code: FAILURE_CODE.test(code) ? code : 'other' }),
    overloaded: (limit) => overload.inc({ limit }),
    refused: (code) => refused.inc({ code }),
    ended: (code) => endings.inc({ code }),
    soft: (source) => soft.inc({ source }),
    status(result, ms) {
      statuses.inc({ result });
      if (result !== 'known') waits.observe(ms / 1000);
    },
    request(entry) {
      requests.inc({ protocol: entry.protocol, status: String(entry.status) });
      if (entry.code !== undefined) refusals.inc({ code: entry.code });
      if (entry.bytesIn > 0) bytes.inc({ direction: 'in' }, entry.bytesIn);
      if (entry.bytesOut > 0) bytes.inc({ direction: 'out' }, entry.bytesOut);
      duration.observe(entry.durationMs / 1000);
    },
    tunnelOpened: () => tunnels.inc(),
    tunnelClosed: () => tunnels.dec(),
    upstreamConnected: (upstream) => connects.inc({ upstream }),
    upstreamRetried: (upstream) => retries.inc({ upstream }),
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

/** OpenSSL's and Node's codes are a fixed set; anything else would let peers make labels. */
const FAILURE_CODE = /^(?:ERR_(?:SSL|TLS|OSSL)_[A-Z0-9_]{1,64}|ECONNRESET|EPIPE|ETIMEDOUT)$/u;

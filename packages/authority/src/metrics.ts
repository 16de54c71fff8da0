import { Counter, Gauge, Registry } from 'prom-client';

/** A CA's CRLs of one kind. */
export interface CrlState {
  readonly scope: 'partition' | 'full' | 'delta';
  /** The end that comes first. */
  readonly nextUpdate: number;
  readonly bytes: number;
  readonly entries: number;
}

/** What the gauges show, read when somebody looks. Times in milliseconds since the epoch. */
export interface MetricsState {
  readonly cas: readonly {
    readonly id: string;
    readonly notAfter: number;
    readonly crls: readonly CrlState[];
  }[];
  readonly crlTimes: {
    readonly failures: number;
    last(): readonly { readonly ca: string; readonly scope: string; readonly ms: number }[];
  };
  readonly gateways: number;
  /** Servers of the SDK that judge by the feed. */
  readonly servers: number;
  readonly rootOnline: boolean;
  /** The root's CRL ends within 90 days. */
  readonly rootCrlAlarm: boolean;
  readonly apiNotAfter: number | undefined;
  readonly ocsp: OcspFigures;
  /** Requests that wait for an administrator. */
  readonly requestsWaiting: number;
}

/** What the OCSP responder has done and holds. */
export interface OcspFigures {
  readonly answers: readonly { readonly status: string; readonly source: string; readonly count: number }[];
  readonly cachedAnswers: number;
  readonly cacheBytes: number;
  readonly responders: readonly { readonly ca: string; readonly notAfter: number }[];
}

/** The authority's metrics, in a registry of their own. */
export interface Metrics {
  issued(profile: string, door: string): void;
  refused(door: string, code: string): void;
  revoked(profile: string, reason: string): void;
  /** Prometheus text. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Makes the metrics; `state` is asked each time they are read. */
export function createMetrics(state: () => Promise<MetricsState>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const issued = new Counter({
    name: 'countersign_authority_certificates_issued_total',
    help: 'Certificates issued, by profile and door',
    labelNames: ['profile', 'door'],
    registers,
  });
  const refused = new Counter({
    name: 'countersign_authority_requests_refused_total',
    help: 'Certificate requests refused, by door and code',
    labelNames: ['door', 'code'],
    registers,
  });
  const revoked = new Counter({
    name: 'countersign_authority_certificates_revoked_total',
    help: 'Certificates revoked, by profile and reason',
    labelNames: ['profile', 'reason'],
    registers,
  });
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `countersign_authority_${name}`, help, labelNames, registers });
  const caNotAfter = gauge('ca_not_after_seconds', "End of a CA's certificate, seconds since the epoch", ['ca']);
  const ofCrl = ['ca', 'scope'];
  const crlNextUpdate = gauge(
    'crl_next_update_seconds',
    "First nextUpdate of a CA's CRLs, seconds since the epoch",
    ofCrl,
  );
  const crlBytes = gauge('crl_bytes', "Size of a CA's CRLs", ofCrl);
  const crlEntries = gauge('crl_entries', "Entries of a CA's CRLs", ofCrl);
  const crlSeconds = gauge(
    'crl_sign_seconds',
    'How long the last signature of a CRL took, with reading and storing',
    ofCrl,
  );
  const crlFailures = gauge('crl_failures', 'CRLs that could not be signed since the start');
  const apiNotAfter = gauge('api_not_after_seconds', "End of the API's own certificate, seconds since the epoch");
  const gateways = gauge('gateways_connected', 'Gateways that follow the feed');
  const servers = gauge('servers_connected', 'Servers of the SDK that judge by the feed');
  const waiting = gauge('requests_waiting', 'Requests that wait for the approval of an administrator');
  const rootOnline = gauge('root_key_online', "1 while the root's key lies in the data folder");
  const rootCrlAlarm = gauge('root_crl_alarm', "1 from 90 days before the root's CRL ends");

  const ocspAnswers = new Counter({
    name: 'countersign_authority_ocsp_answers_total',
    help: 'Answers about certificates by status, and OCSP errors; by source: cached, live or error',
    labelNames: ['status', 'source'],
    registers,
  });
  const ocspCached = gauge('ocsp_cached_answers', 'Signed OCSP answers in memory');
  const ocspBytes = gauge('ocsp_cache_bytes', 'What they take, octets');
  const ocspNotAfter = gauge(
    'ocsp_responder_not_after_seconds',
    "End of the OCSP responder's certificate, seconds since the epoch",
    ['ca'],
  );

  function collectOcsp({ answers, cachedAnswers, cacheBytes, responders }: OcspFigures): void {
    ocspAnswers.reset();
    for (const { count, ...labels } of answers) ocspAnswers.inc(labels, count);
    ocspCached.set(cachedAnswers);
    ocspBytes.set(cacheBytes);
    ocspNotAfter.reset();
    for (const { ca, notAfter } of responders) ocspNotAfter.set({ ca }, notAfter / 1000);
  }

  async function collect(): Promise<void> {
    const now = await state();
    caNotAfter.reset();
    for (const crlGauge of [crlNextUpdate, crlBytes, crlEntries, crlSeconds]) crlGauge.reset();
    for (const ca of now.cas) {
      caNotAfter.set({ ca: ca.id }, ca.notAfter / 1000);
      for (const { scope, nextUpdate, bytes, entries } of ca.crls) {
        crlNextUpdate.set({ ca: ca.id, scope }, nextUpdate / 1000);
        crlBytes.set({ ca: ca.id, scope }, bytes);
        crlEntries.set({ ca: ca.id, scope }, entries);
      }
    }
    for (const { ca, scope, ms } of now.crlTimes.last()) crlSeconds.set({ ca, scope }, ms / 1000);
    crlFailures.set(now.crlTimes.failures);
    if (now.apiNotAfter !== undefined) apiNotAfter.set(now.apiNotAfter / 1000);
    gateways.set(now.gateways);
    servers.set(now.servers);
    waiting.set(now.requestsWaiting);
    rootOnline.set(Number(now.rootOnline));
    rootCrlAlarm.set(Number(now.rootCrlAlarm));
    collectOcsp(now.ocsp);
  }

  return {
    issued: (profile, door) => issued.inc({ profile, door }),
    refused: (door, code) => refused.inc({ door, code }),
    revoked: (profile, reason) => revoked.inc({ profile, reason }),
    text: async () => {
      await collect();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

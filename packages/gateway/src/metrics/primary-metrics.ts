import { Gauge, Registry } from 'prom-client';

/** The end of a certificate, as the metrics tell it. */
export interface CertificateEnd {
  /** `server`, `identity` or `ca`. */
  readonly role: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** When a CRL is due to be replaced. */
export interface CrlEnd {
  readonly bundle: string;
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number;
}

/** What the primary knows of when it is asked. */
export interface PrimaryFacts {
  workers(): number;
  /** Seconds since the feed was last known to be complete; undefined without an authority, or before it ever was. */
  feedLagSeconds(): number | undefined;
  /** Undefined without an authority. */
  feedConnected(): boolean | undefined;
  certificates(): readonly CertificateEnd[];
  crls(): readonly CrlEnd[];
}

/** The primary's own metrics, as text. */
export function createPrimaryMetrics(facts: PrimaryFacts): () => Promise<string> {
  const registry = new Registry();
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (set: Gauge<L>) => void,
  ) =>
    new Gauge<L>({
      name: `countersign_gateway_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        read(this);
      },
    });

  gauge('workers', 'Workers that accept connections', [], (set) => set.set(facts.workers()));
  gauge('feed_lag_seconds', 'Time since the trust state was last known to be complete', [], (set) => {
    const lag = facts.feedLagSeconds();
    // Never: as far behind as can be, so that an alarm on a bound goes off.
    set.set(lag ?? (facts.feedConnected() === undefined ? 0 : Infinity));
  });
  gauge('feed_connected', 'Whether the feed of the authority is connected', [], (set) => {
    set.set(facts.feedConnected() === true ? 1 : 0);
  });
  gauge('certificate_not_after_seconds', 'End of a certificate, seconds since the epoch', ['role', 'name'], (set) => {
    for (const { role, name, notAfter } of facts.certificates()) set.set({ role, name }, notAfter / 1000);
  });
  gauge(
    'crl_next_update_seconds',
    'When a CRL is due to be replaced, seconds since the epoch',
    ['bundle', 'source'],
    (set) => {
      for (const { bundle, source, nextUpdate } of facts.crls()) set.set({ bundle, source }, nextUpdate / 1000);
    },
  );
  return () => registry.metrics();
}

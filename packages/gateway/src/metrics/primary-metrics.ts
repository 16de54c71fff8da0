import type { CrlFact, CrlSourceFact, OcspFact } from '@countersign/trust';
import { Counter, Gauge, Registry } from 'prom-client';

/** The end of a certificate, as the metrics tell it. */
export interface CertificateEnd {
  /** `server`, `identity` or `ca`. */
  readonly role: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** The OCSP response of a certificate that is shown. */
export interface StapleFact {
  readonly name: string;
  /** Milliseconds since the epoch; 0: there is none. */
  readonly freshUntil: number;
}

/** What the primary knows of when it is asked. */
export interface PrimaryFacts {
  workers(): number;
  /** Seconds since the feed was last known to be complete; undefined without an authority, or before it ever was. */
  feedLagSeconds(): number | undefined;
  /** Undefined without an authority. */
  feedConnected(): boolean | undefined;
  certificates(): readonly CertificateEnd[];
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  crls(): readonly CrlFact[];
  crlSources(): readonly CrlSourceFact[];
  ocsp(): readonly OcspFact[];
  staples(): readonly StapleFact[];
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

  const counter = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (add: (labels: Record<L, string>, count: number) => void) => void,
  ) =>
    new Counter<L>({
      name: `countersign_gateway_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        read((labels, count) => this.inc(labels as Partial<Record<L, string>>, count));
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
  const LIST = ['bundle', 'source', 'kind'] as const;
  const lists = (name: string, help: string, read: (crl: CrlFact) => number) =>
    gauge(name, help, LIST, (set) => {
      for (const crl of facts.crls()) set.set({ bundle: crl.bundle, source: crl.source, kind: crl.kind }, read(crl));
    });
  lists(
    'crl_next_update_seconds',
    'When a CRL is due to be replaced, seconds since the epoch',
    (crl) => crl.nextUpdate / 1000,
  );
  lists('crl_age_seconds', 'Time since a CRL in use was issued', (crl) => (facts.now() - crl.thisUpdate) / 1000);
  lists('crl_entries', 'Certificates on a CRL in use', (crl) => crl.entries);
  lists('crl_ending', 'Whether the successor of a CRL is overdue', (crl) => Number(crl.isEnding));
  const SOURCE = ['bundle', 'source'] as const;
  const sources = (name: string, help: string, read: (source: CrlSourceFact) => number) =>
    gauge(name, help, SOURCE, (set) => {
      for (const one of facts.crlSources()) set.set({ bundle: one.bundle, source: one.source }, read(one));
    });
  sources('crl_source_up', 'Whether the last attempt to have a CRL of this source went well', (one) => Number(one.up));
  counter('crl_source_failures_total', 'Attempts to have a CRL of this source that failed', SOURCE, (add) => {
    for (const { bundle, source, failures } of facts.crlSources()) add({ bundle, source }, failures);
  });
  const desks = (name: string, help: string, read: (fact: OcspFact) => number) =>
    gauge(name, help, ['bundle'], (set) => {
      for (const fact of facts.ocsp()) set.set({ bundle: fact.bundle }, read(fact));
    });
  desks('ocsp_answers', 'OCSP answers that are kept', (fact) => fact.answers);
  desks('ocsp_questions_pending', 'OCSP questions under way', (fact) => fact.underWay);
  desks('ocsp_responders_resting', 'OCSP responders that are left alone for giving no answers', (fact) => fact.resting);
  counter('ocsp_questions_total', 'OCSP questions by what they came to', ['bundle', 'outcome'], (add) => {
    for (const { bundle, outcomes } of facts.ocsp()) {
      for (const [outcome, count] of outcomes) add({ bundle, outcome }, count);
    }
  });
  gauge(
    'staple_end_seconds',
    'Until when the OCSP response of a certificate is stapled, seconds since the epoch; 0: there is none',
    ['name'],
    (set) => {
      for (const { name, freshUntil } of facts.staples()) set.set({ name }, freshUntil / 1000);
    },
  );
  return () => registry.metrics();
}

import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client';

/** The metrics of one process at one moment. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/**
 * Adds up the metrics of all workers, those that have ended included: a counter that fell when a worker ended would read as
 * a reset, and the rates made of it would be wrong.
 */
export class MetricsTotals {
  #ended: MetricsSnapshot[] = [];
  readonly #last = new Map<number, MetricsSnapshot>();

  /** What a living worker said last. */
  update(pid: number, snapshot: MetricsSnapshot): void {
    this.#last.set(pid, snapshot);
  }

  /** The worker has ended: what it counted stays, what it gauged goes. */
  async retire(pid: number): Promise<void> {
    const last = this.#last.get(pid);
    this.#last.delete(pid);
    if (last === undefined) return;
    const counted = last.filter((metric) => COUNTED.has(String(metric.type)));
    this.#ended = [await merge([...this.#ended, counted])];
  }

  /** The sum in the text format of Prometheus. */
  async text(own: string): Promise<string> {
    const merged = AggregatorRegistry.aggregate([...this.#ended, ...this.#last.values()] as object[]);
    return `${await merged.metrics()}${own}`;
  }
}

const COUNTED: ReadonlySet<string> = new Set(['counter', 'histogram']);

function merge(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  return AggregatorRegistry.aggregate(snapshots as object[]).getMetricsAsJSON();
}

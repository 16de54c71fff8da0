/** How far one gateway is. */
export interface Acknowledged {
  readonly seq: number;
  readonly workers: number;
}

interface Known {
  subscriptions: number;
  acknowledged: Acknowledged | undefined;
}

/**
 * What gateways have acknowledged, kept for as long as one of a name is subscribed here: names are made up anew by every gateway that
 * starts, so what is not forgotten would grow for ever.
 */
export class Acknowledgements {
  readonly #gateways = new Map<string, Known>();
  readonly #waiting = new Set<() => void>();

  /** A gateway has subscribed; what is returned is to be called when that subscription is over. */
  enter(gateway: string): () => void {
    const known = this.#gateways.get(gateway) ?? { subscriptions: 0, acknowledged: undefined };
    known.subscriptions += 1;
    this.#gateways.set(gateway, known);
    return () => {
      known.subscriptions -= 1;
      if (known.subscriptions === 0) this.#gateways.delete(gateway);
    };
  }

  /** All workers of a gateway are at `seq`. False for one that is not subscribed here. */
  record(gateway: string, seq: number, workers: number): boolean {
    const known = this.#gateways.get(gateway);
    if (known === undefined) return false;
    known.acknowledged = { seq: Math.max(known.acknowledged?.seq ?? 0, seq), workers };
    for (const look of this.#waiting) look();
    return true;
  }

  of(gateway: string): Acknowledged | undefined {
    return this.#gateways.get(gateway)?.acknowledged;
  }

  /** How many of `gateways` have acknowledged `seq`. */
  count(gateways: Iterable<string>, seq: number): number {
    let count = 0;
    for (const gateway of gateways) if ((this.of(gateway)?.seq ?? -1) >= seq) count += 1;
    return count;
  }

  /** Calls `look` after every acknowledgement; what is returned ends that. */
  watch(look: () => void): () => void {
    this.#waiting.add(look);
    return () => this.#waiting.delete(look);
  }

  /** Another history begins: what was said of the one before says nothing about it. */
  clear(): void {
    for (const known of this.#gateways.values()) known.acknowledged = undefined;
  }
}

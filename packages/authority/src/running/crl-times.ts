/** How long the last signature of each kind of CRL took, and how often one failed: for the metrics. */
export class CrlTimes {
  readonly #last = new Map<string, { readonly ca: string; readonly scope: string; readonly ms: number }>();
  #failures = 0;

  signed(ca: string, scope: 'partition' | 'full' | 'delta', ms: number): void {
    this.#last.set(`${ca} ${scope}`, { ca, scope, ms });
  }

  failed(): void {
    this.#failures += 1;
  }

  get failures(): number {
    return this.#failures;
  }

  last(): readonly { readonly ca: string; readonly scope: string; readonly ms: number }[] {
    return [...this.#last.values()];
  }
}

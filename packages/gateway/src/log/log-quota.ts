/** Lets so many lines a second through, and counts the others: for what a stranger can cause at will. */
export class LogQuota {
  readonly #perSecond: number;
  #second = 0;
  #taken = 0;
  #suppressed = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /**
   * Asks for one line.
   *
   * @param now - milliseconds
   * @returns undefined: not now; else how many were suppressed since the last line that was let through
   */
  take(now: number): number | undefined {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= this.#perSecond) {
      this.#suppressed += 1;
      return undefined;
    }
    this.#taken += 1;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}

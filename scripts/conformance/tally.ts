/** Counts agreement and says so in the closing line. */

import type { Case, Outcome } from './case.ts';

export class Tally {
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  #judged = 0;
  #legacyFiles = 0;
  #files = 0;

  get failed(): number {
    return this.#failed;
  }

  startFile(legacy: boolean): void {
    this.#files += 1;
    if (legacy) this.#legacyFiles += 1;
  }

  count(testcase: Case, outcome: Outcome): void {
    this.#judged += 1;
    if (outcome.actual === 'SKIP') this.#skipped += 1;
    if (testcase.expected === undefined) return;
    if (testcase.agrees(outcome)) this.#passed += 1;
    else this.#failed += 1;
  }

  closingLine(): string {
    const counts =
      this.#passed + this.#failed > 0
        ? `${this.#passed} passed, ${this.#failed} failed`
        : `${this.#judged} judged, no expectations given`;
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    return `${counts}${skipped}${this.#legacyWords()}`;
  }

  #legacyWords(): string {
    if (this.#legacyFiles === 0) return '';
    const share = this.#files === 1 ? '' : ` in ${this.#legacyFiles} of ${this.#files} files`;
    return ` (legacy algorithms${share}: the form of the file is that of old data)`;
  }
}

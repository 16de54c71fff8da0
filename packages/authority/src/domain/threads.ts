import type { AsyncVerifier } from '@countersign/pki';

/** From how many issuances at once on work off the main thread pays: one by itself is slower that way. */
const crowd = 3;

/**
 * Knows how many issuances are under way, and so where their signatures are best made and checked. Checking one off the main thread
 * leaves that three quarters of the time; making one of a curve costs as much to hand over as to make.
 */
export class Threads {
  readonly verifier: AsyncVerifier;
  #underWay = 0;

  constructor(verifier: AsyncVerifier) {
    this.verifier = verifier;
  }

  /** Whether work off the main thread pays now. */
  get pay(): boolean {
    return this.#underWay >= crowd;
  }

  /** Counts `work` among what is under way. */
  async count<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** What the readers of suite files and the runner agree on. */

/** What became of one case. */
export interface Outcome {
  readonly actual: 'SUCCESS' | 'FAILURE' | 'SKIP';
  /** The path's reason code, `null` on success. */
  readonly code: string | null;
  readonly detail: string;
}

/** One case of a suite, ready to run. */
export interface Case {
  readonly id: string;
  /** `undefined` where the file says nothing. */
  readonly expected: string | undefined;
  /** Runs it; never throws for what the case holds. */
  run(): Outcome;
  /** Whether an outcome is what was expected. */
  agrees(outcome: Outcome): boolean;
}

/** A suite file. */
export interface Suite {
  readonly cases: readonly Case[];
  /** Whether the form of the file asks for the `legacy` algorithms: old data. */
  readonly legacy: boolean;
}

/** A file that is not what it should be: told in one line. */
export class SuiteError extends Error {}

/** A file that a case names and that is not there: the case is skipped. */
export class MissingFile extends Error {}

/** Runs a case; what is missing skips it, whatever else is thrown is for `onError` to put into words. */
export function attempt(run: () => Outcome, onError: (error: unknown) => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    return error instanceof MissingFile ? { actual: 'SKIP', code: null, detail: error.message } : onError(error);
  }
}

/** Success and failure, the only two words that most suites have. */
export function agreesByWord(expected: string | undefined): (outcome: Outcome) => boolean {
  return (outcome) => outcome.actual === expected;
}

// A command that cannot do what was asked says so in one line: what failed, why, and how to mend it.

import type { CliFailureCode } from './failure-codes.ts';

/** 1: refused or failed. 2: wrong usage, or a file that can't be read. */
export type FailureExit = 1 | 2;

/** The parts of a failure. `code` is stable (what came from elsewhere keeps its own, as `foreignCode`); `mend` is what to do about it, as a sentence without its full stop. */
export interface FailureParts {
  readonly code: CliFailureCode;
  readonly message: string;
  readonly mend?: string | undefined;
  readonly exit?: FailureExit;
  readonly cause?: unknown;
  /** With `--json` the command has printed its object already, and it says the same. */
  readonly told?: boolean;
}

/**
 * Thrown by commands for everything that is the user's or the machine's to mend; never a bug of ours.
 *
 * @example throw new CliFailure({ code: 'not_running', message: 'no authority runs in D', mend: 'start one' })
 */
export class CliFailure extends Error {
  readonly code: string;
  readonly mend: string | undefined;
  readonly exit: FailureExit;
  readonly told: boolean;

  constructor(parts: FailureParts | (Omit<FailureParts, 'code'> & { readonly foreignCode: string })) {
    super(parts.message, { cause: parts.cause });
    this.name = 'CliFailure';
    this.code = 'code' in parts ? parts.code : parts.foreignCode;
    this.mend = parts.mend;
    this.exit = parts.exit ?? 1;
    this.told = parts.told ?? false;
  }
}

/** Wrong usage: the command line itself can't be followed. Exit code 2. */
export function usage(message: string, mend?: string): CliFailure {
  return new CliFailure({ code: 'usage', message, mend, exit: 2 });
}

/** A file that was named can't be read, or holds something else. Exit code 2. */
export function unreadable(message: string, cause?: unknown): CliFailure {
  return new CliFailure({ code: 'file_unreadable', message, exit: 2, cause });
}

/** The failure as the one line that goes to stderr. */
export function failureLine(failure: CliFailure): string {
  const mend = failure.mend === undefined ? '' : `; ${failure.mend}`;
  return `countersign: ${`${failure.message}${mend}`.replaceAll(/\s*\n\s*/gu, ' ')}`;
}

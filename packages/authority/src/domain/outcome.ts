import type { ProblemCode } from '@countersign/protocol';

/** An expected "no": what the API answers with as a problem. */
export interface Refused {
  readonly ok: false;
  readonly code: ProblemCode;
  /** The cause in words, for whoever asked. */
  readonly detail: string;
}

/** What was asked for, or why not. */
export type Outcome<T extends object> = ({ readonly ok: true } & T) | Refused;

/** A refusal as a value. */
export function refuse(code: ProblemCode, detail: string): Refused {
  return { ok: false, code, detail };
}

import { refusal } from './refusal-codes.ts';
import type { VerdictCode } from './refusal-codes.ts';
import type { Refused } from './verdict.ts';

/** A refusal with the advice of its code. */
export function refuse(
  code: VerdictCode,
  detail: string,
  more: Pick<Refused, 'at' | 'identity' | 'incomplete' | 'pending'> = {},
): Refused {
  return { ok: false, code, detail, mend: refusal(code).mend, ...more };
}

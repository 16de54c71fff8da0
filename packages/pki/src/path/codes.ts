/**
 * Every reason for which a path is refused: its refusal code of the product's contract, the section it rests on, and
 * the words. A code is a promise to callers; the words may be improved.
 */

import { PATH_REFUSALS, type CodeEntry, type PathRefusal } from './code-entry.ts';
import { RULE_CODES } from './rule-codes.ts';
import { SECTION_6_CODES } from './section-6-codes.ts';

export { PATH_REFUSALS } from './code-entry.ts';
export type { CodeGroup, PathRefusal } from './code-entry.ts';

export const PATH_CODES = { ...SECTION_6_CODES, ...RULE_CODES } as const satisfies Record<string, CodeEntry>;

/** A stable code of {@link PATH_CODES}. */
export type PathErrorCode = keyof typeof PATH_CODES;

/**
 * The contract's refusal code for a reason.
 *
 * @example
 * refusalOf('not_a_ca'); // 'constraint_violated'
 */
export function refusalOf(code: PathErrorCode): PathRefusal {
  return PATH_CODES[code].refusal;
}

/** Position of a reason in the contract's order: the lower is told when several hold. */
export function precedenceOf(code: PathErrorCode): number {
  return PATH_REFUSALS.indexOf(PATH_CODES[code].refusal);
}

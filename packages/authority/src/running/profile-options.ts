import { profileNames } from '@countersign/protocol';
import { defaultRule } from '../domain/approval/rules.ts';
import type { ProfileRule, ProfileRules } from '../domain/approval/rules.ts';
import { AuthorityError } from '../errors.ts';

/** What an administrator decides about the certificates of a profile. */
export interface ProfileOptions {
  /** `none`, `required` (each new certificate waits for an administrator) or `always` (renewals too). Default `none`. */
  readonly approval?: string | undefined;
  /** How long a request waits for approval. Default 7 days; 28 at most. */
  readonly approvalSeconds?: number | undefined;
  /** How long after its end a certificate still renews itself. Default 0; a year at most. */
  readonly renewalGraceSeconds?: number | undefined;
}

/** Until then whoever was away enrolls anew. */
const longestGraceSeconds = 366 * 86_400;

const approvals: readonly ProfileRule['approval'][] = ['none', 'required', 'always'];

/** A token is remembered for 30 days after its end; a request with it does not wait longer. */
const longestApprovalSeconds = 28 * 86_400;

/** Reads the options, by the profile's name. Throws AuthorityError `invalid_option`. */
export function readProfileOptions(options: Readonly<Record<string, ProfileOptions>> = {}): ProfileRules {
  const rules = Object.entries(options).map(([name, given]) => {
    const profile = profileNames.find((one) => one === name);
    if (profile === undefined)
      throw invalid(`${JSON.stringify(name)} is no profile: there are ${profileNames.join(', ')}`);
    return [profile, readRule(profile, given)] as const;
  });
  return Object.fromEntries(rules);
}

function readRule(profile: string, given: ProfileOptions): ProfileRule {
  const { approval: wanted = defaultRule.approval, approvalSeconds = defaultRule.approvalSeconds } = given;
  const approval = approvals.find((one) => one === wanted);
  if (approval === undefined)
    throw invalid(`${profile}: approval: ${JSON.stringify(wanted)} is none of ${approvals.join(', ')}`);
  const { renewalGraceSeconds = defaultRule.renewalGraceSeconds } = given;
  const isWithin = (value: number, least: number, most: number): boolean =>
    Number.isSafeInteger(value) && value >= least && value <= most;
  if (!isWithin(approvalSeconds, 1, longestApprovalSeconds))
    throw invalid(`${profile}: approvalSeconds: a whole number from 1 to ${longestApprovalSeconds}`);
  if (!isWithin(renewalGraceSeconds, 0, longestGraceSeconds))
    throw invalid(`${profile}: renewalGraceSeconds: a whole number from 0 to ${longestGraceSeconds}`);
  return { approval, approvalSeconds, renewalGraceSeconds };
}

function invalid(why: string): AuthorityError {
  return new AuthorityError('invalid_option', `profiles: ${why}`);
}

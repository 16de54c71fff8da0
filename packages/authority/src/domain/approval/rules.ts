import type { ProfileName } from '@countersign/protocol';

/** What an administrator has decided about the certificates of a profile. */
export interface ProfileRule {
  /** Which requests wait for an administrator: none; those for a new certificate; renewals too. */
  readonly approval: 'none' | 'required' | 'always';
  /** How long a request waits before it has expired. */
  readonly approvalSeconds: number;
  /** How long after its end a certificate still renews itself. */
  readonly renewalGraceSeconds: number;
}

/** The rules of profiles; one that is not here has the default. */
export type ProfileRules = Readonly<Partial<Record<ProfileName, ProfileRule>>>;

/** What holds for a profile that nothing is said about. */
export const defaultRule: ProfileRule = { approval: 'none', approvalSeconds: 7 * 86_400, renewalGraceSeconds: 0 };

/** The rule of a profile. */
export function ruleOf(rules: ProfileRules | undefined, profile: ProfileName): ProfileRule {
  return rules?.[profile] ?? defaultRule;
}

/** Whether a certificate of this profile is issued only after an administrator has approved it. */
export function needsApproval({ approval }: ProfileRule, isRenewal: boolean): boolean {
  return approval === 'always' || (approval === 'required' && !isRenewal);
}

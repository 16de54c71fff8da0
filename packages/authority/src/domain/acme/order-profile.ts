import type { ProfileName } from '@countersign/protocol';
import { namesFor, profiles } from '../profiles.ts';
import type { Profile } from '../profiles.ts';
import { backdateMs } from '../validity.ts';
import type { AcmeContext } from './context.ts';
import { refuseIdentifiers } from './identifiers.ts';
import type { AcmeName } from './identifiers.ts';
import { matchesPattern } from './patterns.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome, AcmeRefused, Subproblem } from './problem.ts';
import type { AcmeAccount, EabPolicy } from './records.ts';

type Payload = Readonly<Record<string, unknown>>;

/** What an account may order. */
export async function policyOf(
  context: Pick<AcmeContext, 'policy'>,
  reader: Pick<AcmeContext['store'], 'eabKey'>,
  account: AcmeAccount,
): Promise<AcmeOutcome<{ policy: EabPolicy | undefined }>> {
  if (account.eab !== undefined) {
    const eab = await reader.eabKey(account.eab);
    return eab === undefined
      ? deny('unauthorized', 'the external account key of this account was removed')
      : { ok: true, policy: eab.policy };
  }
  // It was made before keys were asked for.
  if (context.policy.requireEab) return deny('unauthorized', 'this account has no external account key');
  return { ok: true, policy: undefined };
}

/** The profile of an order (draft-ietf-acme-profiles): the one of the external account key, else `server`. */
export function chooseProfile(
  context: Pick<AcmeContext, 'policy'>,
  policy: EabPolicy | undefined,
  payload: Payload,
): AcmeOutcome<{ profile: Profile; named: boolean }> {
  const own: ProfileName = policy?.profile ?? 'server';
  const { profile = own } = payload;
  if (profile !== own || !context.policy.profiles.includes(own)) {
    const words = context.policy.profiles.includes(own) ? `this account gets ${own}` : `${own} is not offered`;
    return deny('invalidProfile', words);
  }
  return { ok: true, profile: profiles[own], named: payload['profile'] !== undefined };
}

/** A certificate's common name: the first of its names that fits into one (64 characters). */
export function commonNameFor(names: readonly AcmeName[]): string | undefined {
  return names.find(({ value }) => value.length <= 64)?.value;
}

/** What keeps names out of a certificate of this profile, or out of what the account may order. */
export function namesFault(
  names: readonly AcmeName[],
  profile: Profile,
  policy: EabPolicy | undefined,
): AcmeRefused | undefined {
  const faults: Subproblem[] = [];
  const reject = (identifier: AcmeName, detail: string): number =>
    faults.push({ type: 'rejectedIdentifier', detail, identifier: { type: identifier.type, value: identifier.value } });
  for (const name of names) {
    if (!mayOrder(name, policy)) reject(name, 'the external account key is not for this name');
    else if (!profile.sanTypes.includes(name.type)) reject(name, `profile ${profile.name} takes no ${name.type} names`);
    else if (name.value.startsWith('*') && !profile.wildcards)
      reject(name, `profile ${profile.name} takes no wildcard`);
  }
  if (faults.length > 0) return refuseIdentifiers(faults);
  const commonName = commonNameFor(names);
  if (commonName === undefined) return deny('rejectedIdentifier', 'one name has to have 64 characters at most');
  const named = namesFor(profile, commonName, names);
  return named.ok ? undefined : deny('rejectedIdentifier', named.detail);
}

function mayOrder(name: AcmeName, policy: EabPolicy | undefined): boolean {
  if (policy === undefined) return true;
  if (isPreauthorized(name, policy)) return true;
  // A key that only vouches for names is for these.
  const allowed = policy.allowed ?? (policy.preauthorized.length > 0 ? [] : undefined);
  return allowed === undefined || allowed.some((pattern) => matchesPattern(pattern, name));
}

/** Whether an administrator vouches for a name. */
export function isPreauthorized(name: AcmeName, policy: EabPolicy | undefined): boolean {
  return policy?.preauthorized.some((pattern) => matchesPattern(pattern, name)) ?? false;
}

function readTime(value: unknown): number | undefined {
  const time = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{8,20}(?:Z|[+-]\d\d:\d\d)$/u.test(value);
  return time ? Date.parse(value) : Number.NaN;
}

/** The validity that an order asks for: within the profile's lifetime from now. */
export function readValidity(
  payload: Payload,
  profile: Profile,
  now: number,
): AcmeOutcome<{ notBefore?: number | undefined; notAfter?: number | undefined }> {
  const notBefore = payload['notBefore'] === undefined ? undefined : readTime(payload['notBefore']);
  const notAfter = payload['notAfter'] === undefined ? undefined : readTime(payload['notAfter']);
  if (Number.isNaN(notBefore) || Number.isNaN(notAfter)) {
    return deny('malformed', 'notBefore and notAfter are written as RFC 3339 does');
  }
  const begin = notBefore ?? now;
  const longest = profile.lifetimeSeconds * 1000;
  if (begin < now - backdateMs || begin > now + longest) {
    return deny('malformed', `notBefore lies between now and the lifetime of profile ${profile.name} from now`);
  }
  const end = notAfter ?? begin + longest;
  // A moment is gone between what the client reads on its clock and what we read on ours.
  if (end <= Math.max(begin, now) || end > begin + longest + backdateMs) {
    return deny('malformed', `notAfter lies after notBefore, by ${profile.lifetimeSeconds / 86_400} days at most`);
  }
  return { ok: true, notBefore, notAfter: notAfter ?? (notBefore === undefined ? undefined : end) };
}

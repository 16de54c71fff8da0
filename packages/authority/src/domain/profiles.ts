import type { ProfileName, San } from '@countersign/protocol';
import { describeNames, nameSet, parseTypedName } from './names.ts';
import type { NameSet, TypedName } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome } from './outcome.ts';

const day = 86_400;

/** What a kind of certificate may contain. */
export interface Profile {
  readonly name: ProfileName;
  readonly lifetimeSeconds: number;
  readonly usages: readonly ('serverAuth' | 'clientAuth')[];
  /** Which subjectAltNames it may carry. */
  readonly sanTypes: readonly San['type'][];
  readonly wildcards: boolean;
  /** Its NAME is a host's: it is also a subjectAltName. */
  readonly nameIsHost: boolean;
  /** It may say that it comes with an OCSP response (RFC 7633): whoever serves can staple one, a client cannot. */
  readonly mayMustStaple: boolean;
  readonly keys: KeyRule;
}

/** Which keys a profile takes. */
export interface KeyRule {
  readonly curves: readonly string[];
  readonly rsaBits: { readonly min: number; readonly max: number } | undefined;
  readonly ed25519: boolean;
  readonly mlDsa: readonly number[];
}

const strongKeys: KeyRule = {
  curves: ['P-256', 'P-384', 'P-521'],
  rsaBits: { min: 2048, max: 8192 },
  ed25519: true,
  mlDsa: [44, 65, 87],
};

function define(name: ProfileName, lifetimeDays: number, rest: Partial<Profile>): Profile {
  return {
    name,
    lifetimeSeconds: lifetimeDays * day,
    usages: ['clientAuth'],
    sanTypes: ['dns', 'ip', 'uri', 'email'],
    wildcards: false,
    nameIsHost: false,
    mayMustStaple: rest.usages?.includes('serverAuth') === true,
    keys: strongKeys,
    ...rest,
  };
}

/** Every profile, by name. */
export const profiles: Readonly<Record<ProfileName, Profile>> = {
  server: define('server', 30, {
    usages: ['serverAuth'],
    sanTypes: ['dns', 'ip', 'uri'],
    wildcards: true,
    nameIsHost: true,
  }),
  peer: define('peer', 30, { usages: ['serverAuth', 'clientAuth'], sanTypes: ['dns', 'ip', 'uri'], wildcards: true }),
  client: define('client', 90, {}),
  device: define('device', 90, {}),
  person: define('person', 365, { sanTypes: ['email', 'uri'] }),
  admin: define('admin', 30, { sanTypes: ['email', 'uri'] }),
  // Its dns and ip names are the ones for which it may ask for server certificates.
  gateway: define('gateway', 7, { sanTypes: ['dns', 'ip', 'uri'], wildcards: true }),
};

/**
 * The names that a certificate of `profile` for `name` and `sans` has: well-formed, of the types that the profile allows, and with
 * the name of a host also among the subjectAltNames.
 */
export function namesFor(profile: Profile, name: string, sans: readonly San[]): Outcome<{ names: NameSet }> {
  const names: TypedName[] = [];
  const wanted = [{ type: 'cn' as const, value: name }, ...sans];
  if (profile.nameIsHost) {
    const host = (['ip', 'dns'] as const)
      .map((type) => parseTypedName(type, name))
      .find((parsed) => !('malformed' in parsed));
    if (host !== undefined && !('malformed' in host)) names.push(host);
  }
  for (const { type, value } of wanted) {
    const parsed = parseTypedName(type, value);
    if ('malformed' in parsed)
      return refuse('name_invalid', `${type === 'cn' ? 'name' : type} ${JSON.stringify(value)}: ${parsed.malformed}`);
    names.push(parsed);
  }
  const set = nameSet(names);
  for (const one of set.values()) {
    if (one.type !== 'cn' && !profile.sanTypes.includes(one.type)) {
      return refuse('profile_forbids', `profile ${profile.name} takes no ${one.type} names (${describeNames([one])})`);
    }
    if (one.type === 'dns' && one.value.startsWith('*') && !profile.wildcards) {
      return refuse('profile_forbids', `profile ${profile.name} takes no wildcard (${describeNames([one])})`);
    }
  }
  if (profile.nameIsHost && ![...set.values()].some(({ type }) => type === 'dns' || type === 'ip')) {
    return refuse(
      'profile_forbids',
      `a ${profile.name} certificate needs a dns or ip name, and ${JSON.stringify(name)} is none`,
    );
  }
  return { ok: true, names: set };
}

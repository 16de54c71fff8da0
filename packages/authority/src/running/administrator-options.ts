import { profileNames } from '@countersign/protocol';
import type { ProfileName } from '@countersign/protocol';
import { parseScopePattern } from '../domain/administrators.ts';
import type { AdministratorScopes } from '../domain/administrators.ts';
import { AuthorityError } from '../errors.ts';

/** The scope of an administrator, by the name of his certificates. */
export interface AdministratorOptions {
  /** Profiles that he makes tokens for. Never `admin` or `gateway`: that would be more than he is himself. */
  readonly profiles?: readonly string[] | undefined;
  /** Patterns of the names that he makes tokens for: `cn:sensor-*`, `dns:.example.com`, `ip:10.0.0.0/8`, `uri:urn:dev:*`. */
  readonly names?: readonly string[] | undefined;
}

const beyondAnyScope: ReadonlySet<ProfileName> = new Set(['admin', 'gateway']);

/** Reads the options. Throws AuthorityError `invalid_option`. */
export function readAdministratorOptions(
  options: Readonly<Record<string, AdministratorOptions>> = {},
): AdministratorScopes {
  const scopes = Object.entries(options).map(([name, { profiles = [], names = [] }]) => {
    const invalid = (why: string): AuthorityError =>
      new AuthorityError('invalid_option', `administrators.${name}: ${why}`);
    if (profiles.length === 0 || names.length === 0) throw invalid('it has profiles and names, at least one of each');
    const known = profiles.map((wanted) => {
      const profile = profileNames.find((one) => one === wanted && !beyondAnyScope.has(one));
      if (profile === undefined) throw invalid(`profiles: ${JSON.stringify(wanted)} is none that a scope can have`);
      return profile;
    });
    const patterns = names.map((text) => {
      const pattern = parseScopePattern(text);
      if (pattern === undefined) throw invalid(`names: ${JSON.stringify(text)} is no pattern`);
      return pattern;
    });
    return [name.normalize('NFC'), { profiles: known, names: patterns }] as const;
  });
  return new Map(scopes);
}

import type { ProfileName } from '@countersign/protocol';
import { matchesPattern, parsePattern } from './acme/patterns.ts';
import { describeNames } from './names.ts';
import type { NameSet, TypedName } from './names.ts';
import { refuse } from './outcome.ts';
import type { Refused } from './outcome.ts';

// Administrators with a scope make tokens for some profiles and names, and do nothing else:
//   dns:.shop.example  ip:10.0.0.0/8  as for external account keys        cn:sensor-*  uri:urn:dev:*  email:ops@shop.example
// A common name that is a host's or an address is also allowed by the pattern of these.

/** What an administrator may make tokens for. */
export interface AdministratorScope {
  readonly profiles: readonly ProfileName[];
  /** In their normal form: see `parseScopePattern`. */
  readonly names: readonly string[];
}

/** By the names of the administrators' certificates. Whoever is not here has no bounds. */
export type AdministratorScopes = ReadonlyMap<string, AdministratorScope>;

/** A pattern in its normal form, or undefined for what is none: text of its own, with at most one `*`, at its end. */
export function parseScopePattern(text: string): string | undefined {
  const beginning = /^(?:cn|uri|email):(?<own>[^*]+)\*?$/u.exec(text)?.groups?.['own'];
  return beginning === undefined ? parsePattern(text) : text;
}

function isAllowed(pattern: string, { type, value }: TypedName): boolean {
  const wanted = `${type}:${value}`;
  if (pattern.endsWith('*') && !pattern.startsWith('dns:')) return wanted.startsWith(pattern.slice(0, -1));
  if (pattern === wanted) return true;
  const hosts = type === 'cn' ? (['dns', 'ip'] as const) : type === 'dns' || type === 'ip' ? [type] : [];
  return hosts.some((host) => matchesPattern(pattern, { type: host, value }));
}

/** Why somebody with this scope makes no token for these names, or undefined where he may. */
export function outsideScope(scope: AdministratorScope, profile: ProfileName, names: NameSet): Refused | undefined {
  if (!scope.profiles.includes(profile)) {
    return refuse('forbidden', `this administrator makes tokens for ${scope.profiles.join(', ')}, not for ${profile}`);
  }
  const outside = [...names.values()].filter((name) => !scope.names.some((pattern) => isAllowed(pattern, name)));
  if (outside.length === 0) return undefined;
  return refuse('forbidden', `${describeNames(outside)} is beyond what this administrator makes tokens for`);
}

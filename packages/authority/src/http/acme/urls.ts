import { parseTypedName } from '../../domain/names.ts';
import type { AuthorizationId } from '../../domain/acme/authorizations.ts';

/** Where ACME is below a listener's root. */
export const acmePrefix = '/acme';

/** The URLs of ACME's resources, as one client calls the authority. */
export interface AcmeUrls {
  /** Without a slash at its end. */
  readonly base: string;
  directory(): string;
  path(path: string): string;
  account(id: string): string;
  order(id: string): string;
  authorization(id: AuthorizationId): string;
  challenge(id: AuthorizationId, type: string): string;
  certificate(order: string): string;
}

/** The URLs below a base such as `https://ca.example:8444`. */
export function acmeUrls(base: string): AcmeUrls {
  const path = (rest: string): string => `${base}${acmePrefix}/${rest}`;
  return {
    base,
    path,
    directory: () => path('directory'),
    account: (id) => path(`account/${id}`),
    order: (id) => path(`order/${id}`),
    authorization: ({ order, index }) => path(`authz/${order}/${index}`),
    challenge: ({ order, index }, type) => path(`challenge/${order}/${index}/${type}`),
    certificate: (order) => path(`certificate/${order}`),
  };
}

const hostForm = /^(?:\[(?<v6>[0-9a-f:.]{2,45})\]|(?<host>[a-z0-9._-]{1,253}))(?::\d{1,5})?$/u;

/**
 * The base of the URLs that a request came for, where the host is one of the listener's own: a request that was signed for somebody
 * else's URL and passed on to us is none of ours, whatever its Host says.
 */
export function baseOf(host: string | undefined, ownHosts: ReadonlySet<string>): string | undefined {
  const text = host?.toLowerCase() ?? '';
  const groups = hostForm.exec(text)?.groups;
  const name = groups?.['v6'] ?? groups?.['host'];
  if (name === undefined) return undefined;
  const address = parseTypedName('ip', name);
  return ownHosts.has('malformed' in address ? name : address.value) ? `https://${text}` : undefined;
}

/** How many Host fields are remembered at most. */
const basesLimit = 64;

/**
 * `baseOf` for the names that a listener has at the time. Nearly every request has one of a few Host fields, so what was found out about
 * these is remembered.
 */
export function baseFinder(
  names: () => readonly { readonly value: string }[],
): (host: string | undefined) => string | undefined {
  let current: readonly { readonly value: string }[] | undefined;
  let own: ReadonlySet<string> = new Set();
  const bases = new Map<string, string>();
  return (host = '') => {
    const now = names();
    if (current !== now) {
      current = now;
      own = new Set(now.map(({ value }) => value));
      bases.clear();
    }
    const known = bases.get(host);
    if (known !== undefined) return known;
    const base = baseOf(host, own);
    if (base !== undefined && bases.size < basesLimit) bases.set(host, base);
    return base;
  };
}

/** The id in the URL of an account of ours. */
export function accountIdIn(url: string, isOwnBase: (base: string) => boolean): string | undefined {
  const groups = /^(?<base>https:\/\/[^/?#]{1,300})\/acme\/account\/(?<id>[\w-]{1,64})$/u.exec(url)?.groups;
  const { base, id } = groups ?? {};
  return base !== undefined && isOwnBase(base) ? id : undefined;
}

import { FEED_STALENESS } from '@countersign/trust';
import type { BundleSettings, Identity as PeerIdentity, Staleness } from '@countersign/trust';

import type { StaplingOptions } from './follow-server.ts';
import { bundleSettings, misuse, urlOf } from './settings.ts';
import type { BundleOptions, RevocationOptions } from './settings.ts';

/** The authority whose feed is followed: its clients come in, and are out within a second of their revocation. */
export interface AuthorityOptions {
  /** Its base URL, as for enrollment. The identity must be of it: a `server`, a `peer` or a `gateway`. */
  readonly url: string | URL;
  /** What happens when nothing was heard for too long: `hard` (the default) refuses everybody, `soft` admits and tells. */
  readonly mode?: 'hard' | 'soft';
  /** How long is too long, milliseconds; 24 h by default. */
  readonly maxStaleMs?: number;
}

export interface ServerTrustOptions {
  /** The authority that the identity is of: revocation by its feed. */
  readonly authority?: AuthorityOptions;
  /**
   * Clients of the identity's own roots come in too, though no authority is followed: how their revocation is known; `off` does
   * not ask for it.
   */
  readonly revocation?: RevocationOptions | 'off';
  /** Further CAs, by name. */
  readonly bundles?: Readonly<Record<string, BundleOptions>>;
  /** Whether this identity may come in; absent: whoever is acceptable. */
  readonly allow?: (peer: PeerIdentity) => boolean;
  /** `optional` admits who shows no certificate, as nobody; an unacceptable one is refused all the same. */
  readonly clients?: 'required' | 'optional';
  /** Rules beyond RFC 5280: `spiffe` asks for X.509-SVIDs. */
  readonly profile?: 'rfc5280' | 'spiffe';
  /**
   * A folder of this server's own, in which the last verified state is kept: after a restart nobody who was revoked comes in, and
   * an authority that is away does not shut everybody out. Absent: nothing is kept.
   */
  readonly stateDir?: string;
  /** How the OCSP response of the server's own certificate is had. */
  readonly staple?: StaplingOptions | 'off';
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Options that hold together. */
export interface ReadOptions {
  readonly authority: { readonly url: URL; readonly staleness: Staleness } | undefined;
  /** All bundles but that of the feed. */
  readonly bundles: readonly BundleSettings[];
  /** The bundle that is made of the identity's own roots, where there is one. */
  readonly roots: BundleSettings | undefined;
  /** Names of the bundles whose clients come in. */
  readonly trusted: readonly string[];
  readonly allow: ((peer: PeerIdentity) => boolean) | undefined;
  readonly clients: 'required' | 'optional';
  readonly profile: 'rfc5280' | 'spiffe';
  readonly stateDir: string | undefined;
  readonly staple: StaplingOptions | 'off';
  readonly now: () => number;
}

/**
 * Reads what is asked of a server.
 *
 * @throws SdkError `server_options`
 */
export function readOptions(options: ServerTrustOptions): ReadOptions {
  const { authority, revocation, bundles = {} } = options;
  if (authority !== undefined && revocation !== undefined) {
    throw misuse(
      'authority and revocation are two answers to one question: how the revocation of its clients is known',
    );
  }
  const others = Object.entries(bundles).map(([name, bundle]) => bundleSettings(name, bundle));
  const own = authority !== undefined || revocation !== undefined ? ['own'] : [];
  const trusted = [...own, ...others.map(({ name }) => name)];
  if (trusted.length === 0) {
    throw misuse("nothing says whose clients come in: authority, revocation (or revocation: 'off') or bundles");
  }
  if (new Set(trusted).size !== trusted.length) throw misuse('bundles.own: this name is that of the identity itself');
  const roots = revocation === undefined ? undefined : bundleSettings('own', { files: [], revocation });
  return {
    authority:
      authority === undefined
        ? undefined
        : { url: urlOf(authority.url, ['https:']), staleness: feedStaleness(authority) },
    bundles: roots === undefined ? others : [roots, ...others],
    roots,
    trusted,
    allow: options.allow,
    clients: options.clients ?? 'required',
    profile: options.profile ?? 'rfc5280',
    stateDir: options.stateDir,
    staple: options.staple ?? {},
    now: options.now ?? Date.now,
  };
}

function feedStaleness({ mode, maxStaleMs }: AuthorityOptions): Staleness {
  return { mode: mode ?? FEED_STALENESS.mode, maxStale: maxStaleMs ?? FEED_STALENESS.maxStale };
}

import type { Identity } from './verdict.ts';

/** What a listener's host asks of a peer. */
export interface VerdictPolicy {
  /** Stable over reloads; verdicts and live connections refer to the policy by it. */
  readonly id: string;
  /** Names of the bundles whose CAs a peer may have. */
  readonly bundles: readonly string[];
  /** What the certificate is used for: `client` by default. */
  readonly purpose?: 'client' | 'server' | undefined;
  /** Which rules hold beyond RFC 5280: `rfc5280` (none) by default. */
  readonly profile?: 'rfc5280' | 'spiffe' | undefined;
  /** Whether this identity may come in: the compiled allow list. Absent: every valid certificate. */
  readonly allow?: ((identity: Identity) => boolean) | undefined;
}

/** What a peer showed. */
export interface Presented {
  /** DER, the leaf first, as it came; empty when there was none. */
  readonly presented: readonly Uint8Array[];
  /** Whether the session was resumed: then there is the leaf at most. */
  readonly resumed: boolean;
}

import type { HttpOptions } from '../connection.ts';
import type { Address } from './address.ts';
import type { Rule } from './allow.ts';
import type { BundleSettings, Staleness } from '@countersign/trust';

export type {
  BundleSettings as BundleConfig,
  CrlSettings as CrlConfig,
  OcspSettings as OcspConfig,
  RevocationSettings as RevocationConfig,
  Staleness as StalenessConfig,
} from '@countersign/trust';

/** A configuration that holds together: names normalised, paths absolute, times in milliseconds, rules compiled. */
export interface GatewayConfig {
  readonly listeners: readonly ListenerConfig[];
  readonly authority: AuthorityConfig | undefined;
  /** By name; `own` is the authority's and not in here. */
  readonly bundles: ReadonlyMap<string, BundleSettings>;
  /** Undefined: nothing is stapled. */
  readonly stapling: StaplingConfig | undefined;
  readonly admin: AdminConfig | undefined;
  /** Folder for the last verified trust state and the last good CRLs; undefined: nothing is kept. */
  readonly stateDir: string | undefined;
  /** Undefined: one for each core. */
  readonly workers: number | undefined;
  readonly accessLog: AccessLogTarget;
  readonly http: HttpOptions;
  readonly limits: ConnectionLimits;
  readonly handshakeTimeoutMs: number;
  readonly drainMs: number;
  /** What an operator should know although it is allowed. */
  readonly warnings: readonly string[];
}

export interface AdminConfig {
  readonly listen: Address;
  /** Tell the authority's metrics beside the gateway's own. */
  readonly authorityMetrics: boolean;
}

export type AccessLogTarget =
  | { readonly to: 'stderr' | 'stdout' | 'off' }
  | { readonly to: 'file'; readonly file: string };

/** Bounds of one worker. */
export interface ConnectionLimits {
  readonly connections: number;
  readonly handshakes: number;
}

export interface ListenerConfig {
  /** As written, so that it is the same after a reload. */
  readonly id: string;
  readonly address: Address;
  /** The first is the default. */
  readonly hosts: readonly [HostConfig, ...HostConfig[]];
}

export interface HostConfig {
  /** Digest of everything that decides: the policy of a name is compared by it. */
  readonly id: string;
  /** The same for the same names on the same listener, whatever else changes: live connections are judged anew under it. */
  readonly key: string;
  readonly names: readonly string[];
  readonly certificate: CertificateSource;
  readonly clientCert: 'required' | 'optional';
  /** Names of bundles. */
  readonly trust: readonly string[];
  /** Who may connect: whoever some route may admit. */
  readonly permits: Rule;
  readonly routes: readonly RouteConfig[];
}

export interface RouteConfig {
  readonly id: string;
  readonly path: string;
  readonly clientCert: 'required' | 'optional';
  /** Beyond the host's rule; undefined where that is the whole of it. */
  readonly permits: Rule | undefined;
  readonly upstream: UpstreamConfig;
}

export interface UpstreamConfig {
  readonly url: URL;
  /** Path of a PEM file; undefined: the public CAs. */
  readonly caFile: string | undefined;
  readonly serverName: string | undefined;
}

/** Where a server certificate comes from; hosts that name the same source share it by `id`. */
export type CertificateSource =
  | { readonly id: string; readonly from: 'authority'; readonly names: readonly string[]; readonly mustStaple: boolean }
  | { readonly id: string; readonly from: 'files'; readonly cert: string; readonly key: string };

export interface AuthorityConfig {
  readonly url: URL;
  readonly identityDir: string;
  readonly tokenFile: string | undefined;
  readonly staleness: Staleness;
}

/** How the OCSP responses of the certificates that the gateway shows are had. */
export interface StaplingConfig {
  /** For one responder, milliseconds. */
  readonly timeoutMs: number;
  /** Addresses, ranges and hosts that may be asked although they are not public. */
  readonly allowAddresses: readonly string[];
}

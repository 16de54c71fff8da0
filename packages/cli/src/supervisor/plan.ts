import type { HostPort } from '../admin/names.ts';
import type { acmeSettings } from '../config/acme-settings.ts';
import type { estSettings } from '../config/est-settings.ts';
import type { administratorSettings } from '../config/administrator-settings.ts';
import type { profileSettings } from '../config/profile-settings.ts';
import type { Settings } from '../config/settings.ts';
import type { DataFolder } from '../data/folder.ts';

/** What `start` is going to run, decided from its flags, its file and the machine. */
export interface StartPlan {
  readonly folder: DataFolder;
  /** Opens the issuing CA's key. */
  readonly passphrase: string;
  readonly gateway: HostPort;
  readonly authority: HostPort;
  readonly http: HostPort;
  readonly enroll: HostPort;
  readonly admin: HostPort;
  /** The service behind the gateway; absent: the demonstration. */
  readonly upstream: string | undefined;
  /** Names of the gateway's certificate: DNS names and IP addresses. */
  readonly gatewayNames: readonly string[];
  /** Further names of the authority's own certificate. */
  readonly authorityNames: readonly string[];
  readonly publicHttp: string | undefined;
  /** How ACME is offered, as `--config` says. */
  readonly acme: Settings<typeof acmeSettings> | undefined;
  /** How EST is offered, as `--config` says; its paths are whole. */
  readonly est: Settings<typeof estSettings> | undefined;
  readonly profiles: Readonly<Record<string, Settings<typeof profileSettings>>> | undefined;
  readonly administrators: Readonly<Record<string, Settings<typeof administratorSettings>>> | undefined;
  readonly workers: number | undefined;
  /** Files with further client CAs. */
  readonly trust: readonly string[];
  /** The gateway's own part of `--config`, as it was written. */
  readonly gatewayConfig: Readonly<Record<string, unknown>> | undefined;
  /** Folder that relative paths of `gatewayConfig` start at. */
  readonly baseDir: string;
  readonly restart: boolean;
  readonly now: () => number;
}

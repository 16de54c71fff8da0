export { AuthorityError, authorityErrorCodes } from './errors.ts';
export type { AuthorityErrorCode } from './errors.ts';
export { adminSocketPath } from './adapters/admin-socket.ts';
export { isInitialized } from './adapters/data-folder.ts';
export type { DatabaseSettings } from './adapters/open-store.ts';
export type { PostgresSettings } from './adapters/postgres/settings.ts';
export { backup, restore } from './operations/backup.ts';
export type { Restored } from './operations/backup.ts';
export { initAuthority } from './operations/init.ts';
export type { Initialized, InitOptions } from './operations/init.ts';
export type { CaSummary } from './operations/make-ca.ts';
export { renewIssuing, rootCrl, rootExport, rootRemove } from './operations/root.ts';
export type { RenewIssuingOptions, RootKeyOptions } from './operations/root.ts';
export { startAuthority } from './running/start.ts';
export type { RunningAuthority } from './running/start.ts';
export type { AuthorityOptions } from './running/options.ts';

/** The module to fork for an authority in a process of its own: see `process.ts`. */
export const authorityProcess: URL = new URL(
  import.meta.url.endsWith('.ts') ? './process.ts' : './process.js',
  import.meta.url,
);

// `authority --config FILE`.
import { isAbsolute, dirname, resolve } from 'node:path';
import type { DatabaseSettings } from '@countersign/authority';
import { readUserFile } from '../admin/target.ts';
import { acmeSettings } from './acme-settings.ts';
import { administratorSettings } from './administrator-settings.ts';
import { estSettings, resolveEst } from './est-settings.ts';
import { profileSettings } from './profile-settings.ts';
import { checkSettings, invalidConfig, parseYaml, type Settings, type SettingTable } from './settings.ts';

const postgresSettings = {
  url: {
    kind: 'text',
    brief: 'postgres://USER@HOST:PORT/DATABASE, or postgres://USER@/DATABASE?host=/FOLDER for a socket; no password.',
  },
  schema: { kind: 'text', brief: 'Schema of the tables. Absent: public.' },
  passwordFile: { kind: 'text', brief: 'File with the password, read anew at each connection.' },
  tls: { kind: 'text', brief: 'verify or off. Absent: verify over a network, off on this machine.' },
  caFile: { kind: 'text', brief: "PEM of the CAs of the server's certificate. Absent: those that Node trusts." },
  certFile: { kind: 'text', brief: 'PEM of a client certificate, where the server asks for one.' },
  keyFile: { kind: 'text', brief: 'PEM of its key.' },
} as const satisfies SettingTable;

/** What the file of an authority that runs alone may say. */
export const authoritySettings = {
  data: { kind: 'text', brief: 'Folder of the installation. Absent: --data, COUNTERSIGN_DATA or .countersign.' },
  database: {
    kind: 'section',
    brief: 'A database elsewhere that the store is in. Absent: the one of `init`, else a file in the folder.',
    settings: { postgres: { kind: 'section', brief: 'PostgreSQL, for several nodes.', settings: postgresSettings } },
  },
  listen: { kind: 'text', brief: 'HOST:PORT of the API. Absent: 127.0.0.1:8443.' },
  http: { kind: 'text', brief: 'HOST:PORT of CRLs and CA certificates, plain HTTP. Absent: 127.0.0.1:8080.' },
  enroll: {
    kind: 'text',
    brief: 'HOST:PORT of the listener that asks for no client certificate: ACME. Absent: there is none.',
  },
  acme: { kind: 'section', brief: 'How ACME is offered on `enroll`.', settings: acmeSettings },
  est: { kind: 'section', brief: 'How EST is offered on `listen`.', settings: estSettings },
  profiles: {
    kind: 'sections',
    brief: 'Rules of single profiles, by their names: server, peer, client, device, person, admin, gateway.',
    settings: profileSettings,
  },
  administrators: {
    kind: 'sections',
    brief: 'Administrators who only make tokens, within bounds, by the names of their certificates. Others have none.',
    settings: administratorSettings,
  },
  names: { kind: 'texts', brief: "Further names of the API's certificate: DNS names and IP addresses." },
  publicUrl: {
    kind: 'text',
    brief: 'URL that enrollment tokens send their holders to. Absent: where the API listens.',
  },
  publicHttp: { kind: 'text', brief: 'URL of `http` as it stands in certificates. Absent: where it listens.' },
  passphraseFile: {
    kind: 'text',
    brief:
      "File with the passphrase of the issuing CA's key. Absent: COUNTERSIGN_PASSPHRASE(_FILE), $CREDENTIALS_DIRECTORY, DATA/secrets.",
  },
  heartbeatSeconds: { kind: 'number', brief: 'How often the feed says that it is alive. Absent: 5.' },
  logLevel: { kind: 'text', brief: 'trace, debug, info, warn, error, fatal or silent. Absent: info.' },
} as const satisfies SettingTable;

/** What a file says: paths are whole, the database is one that there can be. */
export type AuthorityFile = Omit<Settings<typeof authoritySettings>, 'database'> & {
  readonly database?: DatabaseSettings;
};

/** A file's settings; its relative paths start at its folder. @throws CliFailure `config_invalid` (exit 2). */
export function readAuthorityFile(path: string): AuthorityFile {
  const settings = checkSettings(path, authoritySettings, parseYaml(path, readUserFile(path)));
  const from = (name: string): string => (isAbsolute(name) ? name : resolve(dirname(path), name));
  const { data, passphraseFile, database, est, ...rest } = settings;
  return {
    ...rest,
    ...(data === undefined ? {} : { data: from(data) }),
    ...(passphraseFile === undefined ? {} : { passphraseFile: from(passphraseFile) }),
    ...(est === undefined ? {} : { est: resolveEst(est, from) }),
    ...(database === undefined ? {} : { database: databaseOf(path, database, from) }),
  };
}

function databaseOf(
  path: string,
  { postgres }: NonNullable<Settings<typeof authoritySettings>['database']>,
  from: (name: string) => string,
): DatabaseSettings {
  if (postgres?.url === undefined) throw invalidConfig(path, 'database: expected postgres with a url');
  const { url, tls, schema, ...files } = postgres;
  if (tls !== undefined && tls !== 'verify' && tls !== 'off')
    throw invalidConfig(path, 'database: postgres: tls: expected verify or off');
  const paths = Object.entries(files).map(([name, file]) => [name, from(file)] as const);
  return {
    postgres: {
      url,
      ...(schema === undefined ? {} : { schema }),
      ...(tls === undefined ? {} : { tls }),
      ...Object.fromEntries(paths),
    },
  };
}

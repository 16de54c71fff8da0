// `authority --config FILE`.
import { isAbsolute, dirname, resolve } from 'node:path';
import { readUserFile } from '../admin/target.ts';
import { checkSettings, parseYaml, type Settings, type SettingTable } from './settings.ts';

/** What the file of an authority that runs alone may say. */
export const authoritySettings = {
  data: { kind: 'text', brief: 'Folder of the installation. Absent: --data, COUNTERSIGN_DATA or .countersign.' },
  listen: { kind: 'text', brief: 'HOST:PORT of the API. Absent: 127.0.0.1:8443.' },
  http: { kind: 'text', brief: 'HOST:PORT of CRLs and CA certificates, plain HTTP. Absent: 127.0.0.1:8080.' },
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

/** A file's settings; its relative paths start at its folder. @throws CliFailure `config_invalid` (exit 2). */
export function readAuthorityFile(path: string): Settings<typeof authoritySettings> {
  const settings = checkSettings(path, authoritySettings, parseYaml(path, readUserFile(path)));
  const from = (name: string | undefined): string | undefined =>
    name === undefined || isAbsolute(name) ? name : resolve(dirname(path), name);
  const { data, passphraseFile, ...rest } = settings;
  return {
    ...rest,
    ...(data === undefined ? {} : { data: from(data) ?? data }),
    ...(passphraseFile === undefined ? {} : { passphraseFile: from(passphraseFile) ?? passphraseFile }),
  };
}

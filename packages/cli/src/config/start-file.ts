// `start --config FILE`: the flags of `start` as YAML, and beside them whatever the gateway's own configuration may say.
import { dirname, resolve } from 'node:path';
import { readUserFile } from '../admin/target.ts';
import { acmeSettings } from './acme-settings.ts';
import { administratorSettings } from './administrator-settings.ts';
import { estSettings, resolveEst } from './est-settings.ts';
import { profileSettings } from './profile-settings.ts';
import { checkSetting, invalidConfig, parseYaml, type Settings, type SettingTable } from './settings.ts';

/** The flags of `start` that a file may set; on the command line they win. */
export const startSettings = {
  upstream: { kind: 'text', brief: 'URL of the service behind the gateway.' },
  gateway: { kind: 'text', brief: 'HOST:PORT where clients connect.' },
  authority: { kind: 'text', brief: "HOST:PORT of the authority's API." },
  http: { kind: 'text', brief: 'HOST:PORT of CRLs and CA certificates, plain HTTP.' },
  enroll: { kind: 'text', brief: 'HOST:PORT of ACME: the listener that asks for no client certificate.' },
  acme: { kind: 'section', brief: 'How ACME is offered on `enroll`.', settings: acmeSettings },
  est: { kind: 'section', brief: 'How EST is offered on `authority`.', settings: estSettings },
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
  admin: { kind: 'text', brief: 'HOST:PORT of /metrics, /healthz and /readyz, plain HTTP.' },
  publicHttp: { kind: 'text', brief: 'URL where the world finds what `http` serves.' },
  workers: { kind: 'number', brief: 'Worker processes of the gateway.' },
  names: { kind: 'texts', brief: "Further names of the gateway's certificate." },
  trust: { kind: 'texts', brief: 'Files with further CAs that clients may have.' },
} as const satisfies SettingTable;

// Flags that are objects here too.
const sections: ReadonlySet<string> = new Set(['acme', 'est', 'profiles', 'administrators']);

// Parts of the gateway's configuration that `start` decides itself.
const reserved: ReadonlySet<string> = new Set(['state']);

/** What a file says. */
export interface StartFile {
  readonly flags: Settings<typeof startSettings>;
  /** The rest, for the gateway; undefined when there is none. */
  readonly gatewayConfig: Readonly<Record<string, unknown>> | undefined;
  /** Where relative paths of the file start. */
  readonly baseDir: string;
}

/**
 * Reads a configuration file of `start`. The gateway checks its own part when it starts.
 *
 * @throws CliFailure `config_invalid` (exit 2) for what is no YAML, or sets a flag to something else than it takes.
 */
export function readStartFile(path: string): StartFile {
  const flags: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(parseYaml(path, readUserFile(path)))) {
    if (reserved.has(key)) throw invalidConfig(path, `${key}: start decides this itself`);
    // `authority` and `admin` are addresses here and objects in the gateway's own file.
    const isFlag = key in startSettings && (sections.has(key) || typeof value !== 'object' || Array.isArray(value));
    if (isFlag) flags[key] = checkSetting(path, startSettings, key, value);
    else rest[key] = value;
  }
  const typed = flags as Settings<typeof startSettings>;
  const from = (name: string): string => resolve(dirname(path), name);
  const est = typed.est && resolveEst(typed.est, from);
  return {
    flags: { ...typed, ...(est && { est }) },
    gatewayConfig: Object.keys(rest).length === 0 ? undefined : rest,
    baseDir: dirname(path),
  };
}

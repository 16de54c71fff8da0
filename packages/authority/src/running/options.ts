import { hostname } from 'node:os';
import { isIP } from 'node:net';
import type { San } from '@countersign/protocol';
import type { Logger } from 'pino';
import type { DatabaseSettings } from '../adapters/open-store.ts';
import { parseAddress } from '../adapters/listen.ts';
import { parseTypedName } from '../domain/names.ts';
import { AuthorityError } from '../errors.ts';
import type { Surroundings } from '../operations/options.ts';
import type { AdministratorOptions } from './administrator-options.ts';
import type { EstOptions } from './est.ts';
import type { ProfileOptions } from './profile-options.ts';
import type { AcmeOptions } from './acme-options.ts';

/** How the authority runs. */
export interface AuthorityOptions extends Surroundings {
  readonly dataDir: string;
  /** Opens the keys of the issuing CA and of the tokens. */
  readonly passphrase: string;
  /** A database elsewhere that the store is in. Default: the one that the folder was made with, else the file in the folder. */
  readonly database?: DatabaseSettings;
  /** `HOST:PORT` of the API. Default `127.0.0.1:8443`; port 0 takes a free one. */
  readonly listen?: string;
  /** `HOST:PORT` of the plain listener for CRLs and CA certificates. Default `127.0.0.1:8080`. */
  readonly http?: string;
  /** `HOST:PORT` of the listener that asks for no client certificate: ACME. Absent: there is none; port 0 takes a free one. */
  readonly enroll?: string;
  readonly acme?: AcmeOptions;
  /** EST, on the API's listener. */
  readonly est?: EstOptions;
  /** Rules of single profiles, by their names. */
  readonly profiles?: Readonly<Record<string, ProfileOptions>> | undefined;
  /** Administrators who only make tokens, and for what, by the names of their certificates. */
  readonly administrators?: Readonly<Record<string, AdministratorOptions>> | undefined;
  /** Further names of the API's certificate, beside localhost, 127.0.0.1, ::1, the host's name and where it listens. */
  readonly names?: readonly string[];
  /** The base URL that tokens send their holders to. Default: where the API listens. */
  readonly publicUrl?: string;
  /** The base URL of CRLs and CA certificates in the certificates issued from now on. Default: where the plain listener is. */
  readonly publicHttp?: string;
  /** Path of the local socket. Default DATA/run/admin.sock, or the fallback of `adminSocketPath`. */
  readonly adminSocket?: string;
  /** How many octets of signed OCSP answers are kept in memory. Default 64 MiB. */
  readonly ocspCacheBytes?: number;
  /** How often the feed says that it is alive. Default 5 seconds. */
  readonly heartbeatSeconds?: number;
  /** `trace` … `fatal`, or `silent`. Default `info`; the log goes to stderr as JSON. */
  readonly logLevel?: string;
  readonly logger?: Logger;
}

/** What is taken where nothing is said. */
export const defaultAddresses = { listen: '127.0.0.1:8443', http: '127.0.0.1:8080' } as const;

const anyHost = new Set(['0.0.0.0', '::', '[::]']);

/** A name or an address as a subjectAltName. Throws `invalid_option`. */
function sanOf(text: string): San {
  const name = parseTypedName(isIP(text) === 0 ? 'dns' : 'ip', text);
  if ('malformed' in name) throw new AuthorityError('invalid_option', `${JSON.stringify(text)}: ${name.malformed}`);
  return { type: name.type === 'ip' ? 'ip' : 'dns', value: name.value };
}

/** The names of the API's certificate. */
export function apiNames(options: AuthorityOptions): San[] {
  const listeners = [
    options.listen ?? defaultAddresses.listen,
    ...(options.enroll === undefined ? [] : [options.enroll]),
  ];
  const hosts = listeners.map((listener) => parseAddress(listener).host).filter((host) => !anyHost.has(host));
  const wanted = ['localhost', '127.0.0.1', '::1', ...hosts, ...(options.names ?? [])].map(sanOf);
  // A host's own name is whatever somebody called it, and need not be one that a certificate can carry.
  const own = parseTypedName('dns', hostname());
  const all: San[] = 'malformed' in own ? wanted : [...wanted, { type: 'dns', value: own.value }];
  return [...new Map(all.map((san) => [`${san.type}:${san.value}`, san])).values()];
}

/** The URL of a listener for people and programs elsewhere: of one on every address, the host's name. */
export function urlOf(scheme: 'http' | 'https', address: { readonly host: string; readonly port: number }): string {
  const host = anyHost.has(address.host) ? hostname() : address.host;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

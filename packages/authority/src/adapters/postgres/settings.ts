import { AuthorityError } from '../../errors.ts';

/** Where the PostgreSQL database is, and how to get in. */
export interface PostgresSettings {
  /**
   * `postgres://USER@HOST:PORT/DATABASE`, or with a Unix socket `postgres://USER@/DATABASE?host=/var/run/postgresql`. Never with a
   * password: URLs end up in logs.
   */
  readonly url: string;
  /** File with the password; read anew at each connection, so that it can be changed. */
  readonly passwordFile?: string;
  /** The schema that the tables are in; made where there is none. Default `public`. */
  readonly schema?: string;
  /** Default `verify` over a network, `off` on this machine. */
  readonly tls?: 'verify' | 'off';
  /** PEM of the CAs that the server's certificate is checked against. Default: those that Node trusts. */
  readonly caFile?: string;
  /** The client's certificate and key, where the server asks for one. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** A setting that cannot be. */
export function badDatabase(why: string): AuthorityError {
  return new AuthorityError('invalid_option', `the database: ${why}`);
}

/** What a URL says. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly database: string;
}

/** Reads a URL. Throws AuthorityError `invalid_option`. */
export function placeOf(text: string): Place {
  // With a socket there is no host, which a URL of this kind must not lack: any stands in for it.
  const standIn = text.replace(/^(postgres(?:ql)?:\/\/(?:[^@/]*@)?)\//u, '$1socket.invalid/');
  if (!URL.canParse(standIn)) throw badDatabase('url is none');
  const url = new URL(standIn);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw badDatabase('url begins with postgres://');
  if (url.password !== '' || url.searchParams.has('password')) {
    throw badDatabase('a password does not belong in url: name a passwordFile');
  }
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'host');
  if (unknown !== undefined) throw badDatabase(`url cannot say ${JSON.stringify(unknown)}`);
  const host = url.searchParams.get('host') ?? (url.hostname === 'socket.invalid' ? '' : url.hostname);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (host === '' || database === '')
    throw badDatabase('url names a host (or ?host=/FOLDER of a socket) and a database');
  const user = decodeURIComponent(url.username);
  return { host, port: Number(url.port === '' ? 5432 : url.port), user: user === '' ? undefined : user, database };
}

/** The schema's name. Throws AuthorityError `invalid_option` for one that would need quotes. */
export function schemaOf({ schema = 'public' }: PostgresSettings): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/u.test(schema)) throw badDatabase('schema is small letters, digits and _');
  return schema;
}

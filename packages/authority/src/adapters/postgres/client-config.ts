import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { types } from 'pg';
import type { ClientConfig } from 'pg';
import { AuthorityError } from '../../errors.ts';
import { badDatabase, placeOf, schemaOf } from './settings.ts';
import type { PostgresSettings } from './settings.ts';

const onThisMachine = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

// The node-postgres way of saying it: names of types are numbers on the wire.
const INT8 = 20;
const BYTEA = 17;

function tlsOf(settings: PostgresSettings, host: string): ClientConfig['ssl'] {
  const local = host.startsWith('/') || onThisMachine.has(host);
  const { caFile, certFile, keyFile, tls = local && caFile === undefined ? 'off' : 'verify' } = settings;
  if (tls === 'off') return false;
  if (host.startsWith('/')) throw badDatabase('TLS goes over a network, not over a socket of this machine');
  const read = (path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : readFileSync(path, 'utf8');
    } catch (error) {
      throw new AuthorityError('folder_broken', `${path} cannot be read`, { cause: error });
    }
  };
  const [ca, cert, key] = [read(caFile), read(certFile), read(keyFile)];
  return {
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** How long a connection may take to be made, and how long the server works on one statement. */
const connectMs = 5000;
const statementMs = 20_000;

/**
 * What every connection is made with. Throws AuthorityError `invalid_option` for settings that cannot be, `folder_broken` for a file
 * that cannot be read.
 */
export function clientConfig(settings: PostgresSettings): ClientConfig {
  const { host, port, user, database } = placeOf(settings.url);
  const { passwordFile } = settings;
  return {
    host,
    port,
    ...(user === undefined ? {} : { user }),
    database,
    ssl: tlsOf(settings, host),
    // Always a function: without one the library would look into the environment and the home folder.
    password: async () => (passwordFile === undefined ? '' : (await readFile(passwordFile, 'utf8')).trimEnd()),
    options: `-c search_path=${schemaOf(settings)}`,
    application_name: 'countersign',
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    // The client's own patience, for a server that has gone without a word.
    query_timeout: statementMs + 5000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: {
      // Every number of ours is below 2^53.
      getTypeParser: (oid: number, format: 'text' | 'binary' = 'text') =>
        oid === INT8 ? Number : oid === BYTEA ? octets : types.getTypeParser(oid, format),
    },
  };
}

function octets(text: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(text.slice(2), 'hex');
  return new Uint8Array(buffer, byteOffset, length);
}

// A PostgreSQL server of our own: a fresh cluster in a temporary folder, listening on a socket there and nowhere else.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { temporaryFolder } from './folders.ts';
import { eventually } from './events.ts';
import { endWithProcess } from './leave-nothing.ts';
import { peer, without } from './peers.ts';

/** The `skip` option of a test that needs a PostgreSQL server, see {@link without}. */
export const withoutPostgres: string | false = without('postgres', 'initdb', 'psql', 'setpriv');

/** A running server. `await using` stops it and removes its folder. */
export interface PostgresServer extends AsyncDisposable {
  /** The URL of a new, empty database on it. */
  database(): string;
  /** Runs SQL in the database of a URL; what it prints, unaligned. */
  sql(url: string, statements: string): string;
  /** Ends it as a fast shutdown does (SIGINT), at once (SIGQUIT), or as a crash of the machine's process does (SIGKILL). */
  stop(signal?: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it again on what it had. */
  start(): Promise<void>;
}

/** How to start one. */
export interface PostgresOptions {
  /** A commit is on the disk when it returns. Default false: what a test does not kill needs no disk. */
  readonly durable?: boolean;
  /** Further settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

// The server refuses to run as root; Debian brings this user with it.
const unprivileged = 'postgres';

/**
 * Makes a cluster and starts its server.
 *
 * @example
 * await using server = await startPostgres();
 * const store = await openPostgresStore({ url: server.database() });
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = temporaryFolder('countersign-pg-');
  const data = folder.in('data');
  mkdirSync(data, { mode: 0o700 });
  const asRoot = userInfo().uid === 0;
  if (asRoot) {
    const { uid, gid } = userOf(unprivileged);
    chmodSync(folder.path, 0o755);
    for (const path of [folder.path, data]) chownSync(path, uid, gid);
  }
  const drop = asRoot ? ['setpriv', '--reuid', unprivileged, '--regid', unprivileged, '--init-groups'] : [];
  const run = (program: string, args: readonly string[], input = ''): string => {
    const [file = '', ...rest] = [...drop, program, ...args];
    const { status, stdout, stderr, error } = spawnSync(file, rest, { encoding: 'utf8', cwd: folder.path, input });
    if (status !== 0) throw new Error(`${program}: ${error?.message ?? ''}${stdout}${stderr}`);
    return stdout;
  };
  const user = asRoot ? unprivileged : userInfo().username;
  run(programOf('initdb'), ['-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale', 'C']);
  const fast = options.durable === true ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder.path,
    max_connections: '200',
    shared_buffers: '64MB',
    autovacuum: 'off',
    ...fast,
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const psql = (database: string, statements: string): string =>
    run(
      programOf('psql'),
      ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-h', folder.path, '-U', user, '-d', database],
      statements,
    );

  let server: ChildProcess | undefined;
  let databases = 0;
  const start = async (): Promise<void> => {
    const [file = '', ...rest] = [...drop, programOf('postgres'), '-D', data, ...flags];
    const started = spawn(file, rest, { cwd: folder.path, stdio: ['ignore', 'ignore', 'pipe'] });
    const child = endWithProcess(started, 'SIGQUIT');
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)));
    server = child;
    await eventually('PostgreSQL takes connections', 30_000, () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`PostgreSQL has ended:\n${log}`);
      return log.includes('ready to accept connections');
    });
  };
  const stop = async (signal: NodeJS.Signals = 'SIGINT'): Promise<void> => {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  };
  await start();
  return {
    database: () => {
      databases += 1;
      psql('postgres', `create database d${databases}`);
      return `postgres://${user}@/d${databases}?host=${folder.path}`;
    },
    sql: (url, statements) => psql(new URL(url.replace('@/', '@socket/')).pathname.slice(1), statements),
    stop,
    start,
    [Symbol.asyncDispose]: async () => {
      await stop('SIGQUIT');
      folder[Symbol.dispose]();
    },
  };
}

function programOf(name: string): string {
  const path = peer(name);
  if (path === undefined) throw new Error(`${name} is not installed here`);
  return path;
}

function userOf(name: string): { uid: number; gid: number } {
  const number = (flag: string): number => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
  return { uid: number('-u'), gid: number('-g') };
}

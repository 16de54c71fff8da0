import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { callLocal } from './local-api.ts';
import { sessionCost } from './session-cost.ts';
import type { SessionCost } from './session-cost.ts';

/** Where an authority listens: the port for everybody, the path of its local socket. */
export interface AuthorityListens {
  readonly http: number;
  readonly admin: string;
}

/** The longest turn of its event loop since it was last asked. */
export interface LongestTurn {
  readonly longestTurnMs: number;
}

/** A whole authority with its own listeners, in a session of its own. */
export interface BenchAuthority extends AuthorityListens {
  /** What all of its processes have used. */
  cost(): SessionCost;
  longestTurnMs(): Promise<number>;
  /** POST over the local socket. */
  call<T>(path: string, body: object): Promise<T>;
  stop(): Promise<void>;
}

/** Starts the authority of a data folder whose passphrase is `bench`. */
export async function startBenchAuthority(data: string): Promise<BenchAuthority> {
  const child = forkServer(new URL('./authority-process.ts', import.meta.url), [data]);
  const listens = await firstMessage<AuthorityListens>(child);
  return {
    ...listens,
    cost: () => sessionCost(child.pid ?? 0),
    longestTurnMs: async () => {
      child.send('longest turn');
      const [{ longestTurnMs }] = (await once(child, 'message')) as [LongestTurn];
      return longestTurnMs;
    },
    call: (path, body) => callLocal(listens.admin, path, body),
    stop: () => stopServer(child),
  };
}

/** Forks a module into a session of its own, so that what it costs can be told from what everybody else does. */
export function forkServer(
  module: URL,
  args: readonly string[],
  stderr: 'inherit' | 'ignore' = 'inherit',
): ChildProcess {
  return fork(module, [...args], {
    detached: true,
    // For instance --cpu-prof.
    execArgv: [...process.execArgv, ...(process.env['COUNTERSIGN_BENCH_NODE_OPTIONS']?.split(' ') ?? [])],
    stdio: ['ignore', 'ignore', stderr, 'ipc'],
  });
}

/** What a child says first: where it listens. */
export function firstMessage<T>(child: ChildProcess): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  child.once('message', (message) => resolve(message as T));
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}`)));
  return promise;
}

/** Lets go of a child, which then ends. */
export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
}

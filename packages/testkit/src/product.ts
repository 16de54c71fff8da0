// The product from outside: `countersign …` as a process, and a running `countersign start` in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand, type CommandOptions, type CommandResult } from './command.ts';
import { temporaryFolder } from './folders.ts';
import { endGroupWithProcess } from './leave-nothing.ts';

/** The repository's root folder. */
export const repository: string = fileURLToPath(new URL('../../../', import.meta.url));
/** The launcher, as `npx countersign` would find it. */
export const launcher: string = join(repository, 'packages/cli/bin/countersign.js');
/** The Node that the repository installs beside its sources. */
export const node: string = join(repository, 'node_modules/node/bin/node');

const CONDITION = '--conditions=countersign-source';

/**
 * Runs one `countersign` command to its end.
 *
 * @example const { code, stdout } = await countersign(['list', '--json', '--data', data])
 */
export function countersign(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand(node, [CONDITION, launcher, ...args], {
    timeoutMs: 60_000,
    ...options,
    env: cleanEnvironment(options.env),
  });
}

/** The `ready` object of `start --json`: where each door listens, as `host:port`. */
export interface ReadyEvent {
  readonly event: 'ready';
  readonly gateway: string;
  readonly authority: string;
  readonly http: string;
  readonly enroll: string;
  readonly admin: string;
}

/** How to start the product. Every port is 0 unless `args` say otherwise. */
export interface ProductOptions {
  readonly upstream?: string;
  /** Further flags of `start`. */
  readonly args?: readonly string[];
  /** Another long-running command with all its flags, instead of `start`, e.g. `['gateway', '--config', file]`. */
  readonly command?: readonly string[];
  /** An existing DATA folder; without it a fresh one, removed at the end. */
  readonly data?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** How long `ready` may take, in milliseconds (60,000: a shared machine may be slow). */
  readonly readyWithinMs?: number;
}

/** A running product. `await using` stops it and removes its fresh folder. */
export interface Product extends AsyncDisposable {
  readonly data: string;
  readonly ready: ReadyEvent;
  readonly pid: number;
  readonly child: ChildProcess;
  /** The port of one door, e.g. `port('gateway')`. */
  port(door: 'gateway' | 'authority' | 'http' | 'enroll' | 'admin'): number;
  /** Everything printed so far. */
  stdout(): string;
  stderr(): string;
  /** Runs a command against this product's DATA folder. */
  cli(...args: readonly string[]): Promise<CommandResult>;
  /** The same with `--json`: the objects printed, one per line. Throws when the exit code is not 0. */
  json(...args: readonly string[]): Promise<readonly Record<string, unknown>[]>;
  /** The processes that `status --json` lists. */
  processes(): Promise<readonly { role: string; pid: number; listen?: unknown }[]>;
  /** The `--cacert/--cert/--key` (curl's names) of a client in DATA/clients. */
  client(name: string): ClientFiles;
  /** Sends a signal to the parent (default SIGTERM) and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** The three files that `issue` writes. */
export interface ClientFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Starts `countersign start --json` in a session of its own and waits for its `ready` object.
 *
 * @throws Error with everything the process printed, when it ends or stays silent before `ready`.
 * @example await using product = await startProduct({ upstream: upstream.url })
 */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const folder = options.data === undefined ? temporaryFolder('countersign-product-') : undefined;
  const data = options.data ?? join(folder?.path ?? '', 'D');
  const ports = ['gateway', 'authority', 'http', 'enroll', 'admin']
    .filter((door) => !(options.args ?? []).includes(`--${door}`))
    .flatMap((door) => [`--${door}`, '127.0.0.1:0']);
  const upstream = options.upstream === undefined ? [] : ['--upstream', options.upstream];
  const start = ['start', '--data', data, ...ports, ...upstream, ...(options.args ?? [])];
  const args = [CONDITION, launcher, ...(options.command ?? start), '--json'];
  const child = spawn(node, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: cleanEnvironment(options.env),
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const pid = child.pid;
  if (pid === undefined) throw new Error(`could not start ${node}`);
  const endGroup = endGroupWithProcess(child);

  const ready = await awaitReady(child, printed, options.readyWithinMs ?? 60_000, ended).catch((error: unknown) => {
    endGroup();
    folder?.[Symbol.dispose]();
    throw error;
  });
  const cli = (...more: readonly string[]): Promise<CommandResult> => countersign([...more, '--data', data]);
  const json = async (...more: readonly string[]): Promise<readonly Record<string, unknown>[]> => {
    const result = await cli(...more, '--json');
    if (result.code !== 0) throw new Error(`countersign ${more.join(' ')}: exit ${result.code}\n${result.stderr}`);
    return parseLines(result.stdout);
  };
  return {
    data,
    ready,
    pid,
    child,
    port: (door) => Number(ready[door].slice(ready[door].lastIndexOf(':') + 1)),
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    cli,
    json,
    processes: async () => {
      const [list] = await json('status');
      return list as unknown as readonly { role: string; pid: number; listen?: unknown }[];
    },
    client: (name) => ({
      ca: join(data, 'clients/ca.crt'),
      cert: join(data, `clients/${name}.crt`),
      key: join(data, `clients/${name}.key`),
    }),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const [code, by] = await ended;
      return { code, signal: by };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(endGroup, 15_000);
      await ended;
      clearTimeout(timer);
      endGroup();
      folder?.[Symbol.dispose]();
    },
  };
}

/** The pid that the lock file of a DATA folder names. */
export function lockHolder(data: string): number {
  return Number.parseInt(readFileSync(join(data, 'run/start.pid'), 'utf8'), 10);
}

function awaitReady(
  child: ChildProcess,
  printed: { stdout: string; stderr: string },
  withinMs: number,
  ended: Promise<[number | null, NodeJS.Signals | null]>,
): Promise<ReadyEvent> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new Error(`countersign start ${why}\n${printed.stdout}\n${printed.stderr}`));
    const timer = setTimeout(() => fail(`was not ready after ${withinMs} ms`), withinMs);
    const look = (): void => {
      for (const line of printed.stdout.split('\n').slice(0, -1)) {
        if (!line.startsWith('{')) continue;
        const event = JSON.parse(line) as { event?: string };
        if (event.event !== 'ready') continue;
        clearTimeout(timer);
        child.stdout?.off('data', look);
        resolve(event as ReadyEvent);
        return;
      }
    };
    child.stdout?.on('data', look);
    void ended.then(([code, signal]) => {
      clearTimeout(timer);
      fail(`ended with ${signal ?? code} before it was ready`);
    });
  });
}

function parseLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

// What the test runner sets would reach the product: node:test's own variables, npm's, and a user's COUNTERSIGN_*.
function cleanEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:NODE_TEST_CONTEXT|NODE_V8_COVERAGE|npm_|INIT_CWD|COUNTERSIGN_)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...more };
}

// Runs a program to its end and hands back everything it said: the base of every helper that calls a real peer.
import { spawn } from 'node:child_process';
import { endWithProcess } from './leave-nothing.ts';

/** What a finished program left behind. `code` is `null` when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. `timeoutMs` (30,000) ends a program that hangs, so that one bad test can't hold the others. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
}

/**
 * Runs `program` with `args` (no shell) and waits for its end; a non-zero exit is a value, not a throw.
 *
 * @throws Error when the program can't be started at all.
 * @example const { code, stdout } = await runCommand('openssl', ['version'])
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 30_000,
      killSignal: 'SIGKILL',
    });
    endWithProcess(child);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    // A program may end without reading its input (curl that is refused): that is its answer, not our error.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('close', (code, signal) =>
      resolve({
        code,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    );
  });
}

import { spawn } from 'node:child_process';

/** What a command has cost: processor time with that of its own children, and the most memory it held. */
export interface ChildCost {
  readonly cpuMs: number;
  readonly stdout: string;
}

/**
 * Runs a command and measures its processor time, by the shell's own book-keeping of its children.
 *
 * @throws Error when the command fails
 */
export async function runMeasured(command: string, args: readonly string[], cwd?: string): Promise<ChildCost> {
  const script = '"$@"; code=$?; times >&3; exit $code';
  const child = spawn('/bin/sh', ['-c', script, 'sh', command, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const texts = ['', '', '', ''];
  for (const fd of [1, 2, 3] as const) {
    child.stdio[fd]?.on('data', (chunk: Buffer) => {
      texts[fd] += chunk.toString('utf8');
    });
  }
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${texts[2] ?? ''}`);
  return { cpuMs: childrenCpuMs(texts[3] ?? ''), stdout: texts[1] ?? '' };
}

/** The second line of `times`: user and system time of the children, as `0m1.234000s 0m0.120000s`. */
function childrenCpuMs(times: string): number {
  const matches = [...(times.split('\n')[1] ?? '').matchAll(/([0-9]+)m([0-9.]+)s/g)];
  return matches.reduce((sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1000, 0);
}

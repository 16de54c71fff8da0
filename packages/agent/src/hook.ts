// What is told of a renewal: a command of the operator's, without a shell between.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IdentityFiles } from '@countersign/sdk';
import { AgentError } from './errors.ts';

const longestMs = 60_000;

/**
 * Runs a command after a renewal; its output goes to stderr.
 *
 * @throws AgentError `hook_failed` when it can't be started, fails, or takes longer than a minute.
 */
export async function runHook(
  [program = '', ...args]: readonly string[],
  name: string,
  files: IdentityFiles,
  signal?: AbortSignal,
): Promise<void> {
  const env = {
    ...process.env,
    COUNTERSIGN_IDENTITY: name,
    COUNTERSIGN_CERT: files.cert,
    COUNTERSIGN_KEY: files.key,
    COUNTERSIGN_CA: files.ca,
  };
  const timeout = AbortSignal.timeout(longestMs);
  const end = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  const child = spawn(program, args, { stdio: ['ignore', 2, 2], env, signal: end, killSignal: 'SIGKILL' });
  try {
    const [code, by] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code !== 0) throw new AgentError('hook_failed', `${program} ended with ${by ?? code}`);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError('hook_failed', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

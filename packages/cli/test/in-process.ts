// Runs a command line in this process, with a world of the test's own.
import { Readable } from 'node:stream';
import { run, type StricliProcess } from '@stricli/core';
import { application, contractExit, normalArguments } from '../src/app.ts';
import type { CliContext } from '../src/context.ts';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function inProcess(
  args: readonly string[],
  world: Partial<CliContext> & { input?: string } = {},
): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const parser: StricliProcess = {
    stdout: { write: (text: string) => void (stdout += text) },
    stderr: { write: (text: string) => void (stderr += text) },
  };
  await run(application, normalArguments(args), {
    process: parser,
    stdin: Readable.from([Buffer.from(world.input ?? '')]),
    cwd: '/',
    env: {},
    secrets: { rootPassphrase: undefined, passphrase: undefined },
    now: Date.now,
    interactive: false,
    ...world,
  });
  return { exit: contractExit(parser.exitCode), stdout, stderr };
}

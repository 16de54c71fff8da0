// Where the launcher enters.
import { run, type StricliProcess } from '@stricli/core';
import { application, contractExit, normalArguments } from './app.ts';
import { callingFolder, type CliContext, takeSecrets } from './context.ts';
import { explain } from './explain.ts';
import { CliFailure, failureLine } from './failure.ts';

/**
 * Runs one command line and sets the exit code: 0 done, 1 refused or failed, 2 wrong usage or an unreadable file.
 *
 * @param args without the program's own name
 */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that goes away (`countersign list | head`) ends the command, as with any other program.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const secrets = takeSecrets(process.env);
  // What the parser is given in place of the process: its exit codes are not the contract's.
  const parserProcess: StricliProcess = { stdout: process.stdout, stderr: process.stderr, env: process.env };
  const context: CliContext = {
    process: parserProcess,
    stdin: process.stdin,
    cwd: callingFolder(process.env, process.cwd()),
    env: process.env,
    secrets,
    now: Date.now,
    interactive: process.stderr.isTTY,
  };
  try {
    refuseDisarmedTls(process.env);
    await run(application, normalArguments(args), context);
    process.exitCode = contractExit(parserProcess.exitCode);
  } catch (error) {
    const failure = explain(error);
    process.stderr.write(`${failureLine(failure)}\n`);
    process.exitCode = failure.exit;
  }
}

function refuseDisarmedTls(env: Readonly<NodeJS.ProcessEnv>): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new CliFailure({
    code: 'tls_disarmed',
    message: 'NODE_TLS_REJECT_UNAUTHORIZED=0 is set: with it no server would be checked',
    mend: 'unset it',
  });
}

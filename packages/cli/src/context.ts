// What a command may know of the world around it. Tests give it another world.
import type { CommandContext, StricliProcess } from '@stricli/core';
import { isAbsolute, resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** Passphrases that came through the environment; nothing else of it is secret. */
export interface EnvironmentSecrets {
  readonly rootPassphrase: string | undefined;
  readonly passphrase: string | undefined;
}

/** Every command's `this`. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  readonly stdin: Readable;
  /** Where the command was called; relative paths of the command line start here. */
  readonly cwd: string;
  /** The environment without its secrets. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly secrets: EnvironmentSecrets;
  readonly now: () => number;
  /** Whether stderr is a terminal: then long work shows how far it is. */
  readonly interactive: boolean;
}

/** A path of the command line as an absolute one. */
export function pathFrom(context: Pick<CliContext, 'cwd'>, path: string): string {
  return isAbsolute(path) ? path : resolve(context.cwd, path);
}

/**
 * Where the command was called. `npm start` runs in the repository's root wherever it was typed; npm tells the place in
 * INIT_CWD. Only our own script asks for this: in another project's scripts the working directory is what is meant.
 */
export function callingFolder(env: Readonly<NodeJS.ProcessEnv>, cwd: string): string {
  const ours = env['npm_lifecycle_event'] === 'start' && env['npm_package_name'] === 'countersign-workspace';
  return ours ? (env['INIT_CWD'] ?? cwd) : cwd;
}

/**
 * Takes the passphrases out of the environment, so that no child process inherits them.
 *
 * @param env is changed: COUNTERSIGN_PASSPHRASE and COUNTERSIGN_ROOT_PASSPHRASE are deleted from it.
 */
export function takeSecrets(env: NodeJS.ProcessEnv): EnvironmentSecrets {
  const secrets = { rootPassphrase: env['COUNTERSIGN_ROOT_PASSPHRASE'], passphrase: env['COUNTERSIGN_PASSPHRASE'] };
  delete env['COUNTERSIGN_ROOT_PASSPHRASE'];
  delete env['COUNTERSIGN_PASSPHRASE'];
  return secrets;
}

// How every command is built: with --json its failures are objects too, and the stack is told when asked for.
import { type BaseArgs, buildCommand, type Command, type TypedCommandParameters } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { explain } from '../explain.ts';
import { outputOf } from '../terminal/output.ts';

interface CommandParts<FLAGS extends { readonly json?: boolean | undefined }, ARGS extends BaseArgs> {
  run(this: CliContext, flags: FLAGS, ...args: ARGS): void | Promise<void>;
  readonly parameters: TypedCommandParameters<FLAGS, ARGS, CliContext>;
  readonly docs: { readonly brief: string; readonly fullDescription?: string };
}

/**
 * Builds a command. What `run` throws ends it with one line on stderr (see `explain`), and with `--json` also with
 * `{"error":{"code":…,"message":…,"mend":…}}` on stdout.
 *
 * @example command<Flags, [string]>({ async run(flags, name) { … }, parameters, docs })
 */
export function command<FLAGS extends { readonly json?: boolean | undefined }, ARGS extends BaseArgs = []>(
  parts: CommandParts<FLAGS, ARGS>,
): Command<CliContext> {
  return buildCommand<FLAGS, ARGS, CliContext>({
    async func(flags, ...args) {
      try {
        await parts.run.call(this, flags, ...args);
      } catch (error) {
        const failure = explain(error);
        const { code, message, mend } = failure;
        const object = { error: { code, message, ...(mend === undefined ? {} : { mend }) } };
        if (!failure.told) outputOf(this, flags.json).object(object);
        if (this.env['COUNTERSIGN_DEBUG'] === '1' && error instanceof Error) {
          this.process.stderr.write(`${error.stack ?? error.message}\n`);
        }
        throw failure;
      }
    },
    parameters: parts.parameters,
    docs: parts.docs,
  });
}

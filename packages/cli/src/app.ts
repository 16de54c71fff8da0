// The tree of commands, and how its parser speaks.
import {
  type Application,
  buildApplication,
  buildRouteMap,
  type Command,
  ExitCode,
  type RouteMap,
  text_en,
} from '@stricli/core';
import { readFileSync } from 'node:fs';
import { type CommandShape, leadingFlags, spreadLists } from './arguments.ts';
import { agent } from './commands/agent.ts';
import { authority } from './commands/authority.ts';
import { backup, restore } from './commands/backup.ts';
import { eab } from './commands/eab.ts';
import { crl } from './commands/crl.ts';
import { enroll } from './commands/enroll.ts';
import { gateway } from './commands/gateway.ts';
import { init } from './commands/init.ts';
import { inspect } from './commands/inspect.ts';
import { issue } from './commands/issue.ts';
import { list } from './commands/list.ts';
import { ocsp } from './commands/ocsp.ts';
import { renew } from './commands/renew.ts';
import { allow, blocked } from './commands/allow.ts';
import { release, revoke } from './commands/revoke.ts';
import { requests } from './commands/requests.ts';
import { root } from './commands/root.ts';
import { show } from './commands/show.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { token } from './commands/token.ts';
import { verify } from './commands/verify.ts';
import type { CliContext } from './context.ts';
import { explain } from './explain.ts';
import { CliFailure, failureLine } from './failure.ts';

/** This package's version. */
export const productVersion: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Every command, by its name. */
export const commands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    start,
    status,
    init,
    root,
    authority,
    gateway,
    agent,
    issue,
    enroll,
    renew,
    revoke,
    release,
    allow,
    blocked,
    list,
    show,
    token,
    eab,
    requests,
    verify,
    inspect,
    crl,
    ocsp,
    backup,
    restore,
  },
  docs: {
    brief: 'Mutual TLS, the whole of it: authority, gateway and identities',
    fullDescription:
      'Mutual TLS, the whole of it. `countersign start` runs everything on one machine; `countersign COMMAND --help` tells more.',
  },
});

const failureText = (error: unknown): string => failureLine(explain(error));

/** The command line as an application of its parser. */
export const application: Application<CliContext> = buildApplication(commands, {
  name: 'countersign',
  versionInfo: { currentVersion: productVersion },
  scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
  documentation: { disableAnsiColor: true },
  localization: {
    text: {
      ...text_en,
      exceptionWhileParsingArguments: (error) => `countersign: ${parsingWords(error)}`,
      exceptionWhileLoadingCommandFunction: failureText,
      exceptionWhileLoadingCommandContext: failureText,
      exceptionWhileRunningCommand: failureText,
      commandErrorResult: failureText,
      noCommandRegisteredForInput: (input) => `countersign: ${text_en.noCommandRegisteredForInput(input)}`,
    },
  },
  determineExitCode: (error) => explain(error).exit,
});

// The parser wraps what our own value parsers throw; their words are the better ones.
function parsingWords(error: unknown): string {
  const inner = error instanceof Error && 'exception' in error ? error.exception : undefined;
  if (inner instanceof CliFailure && error instanceof Error && 'externalFlagNameOrPlaceholder' in error) {
    return failureLine(inner).replace(/^countersign: /u, '');
  }
  return error instanceof Error ? error.message : String(error);
}

/** The exit code that the contract has for the parser's own: 2 for everything wrong about the command line. */
export function contractExit(code: number | string | null | undefined): number {
  if (code === ExitCode.UnknownCommand || code === ExitCode.InvalidArgument) return 2;
  return code === undefined || code === null || code === 0 ? 0 : Number(code) === 2 ? 2 : 1;
}

/** The command line as the parser wants it: leading flags moved back, lists spread. */
export function normalArguments(args: readonly string[]): readonly string[] {
  const moved = leadingFlags(args);
  let target: Command<CliContext> | RouteMap<CliContext> | undefined = commands;
  let at = 0;
  while (target !== undefined && 'getRoutingTargetForInput' in target) {
    const name = moved[at];
    if (name === undefined || name.startsWith('-')) return moved;
    target = target.getRoutingTargetForInput(name);
    at += 1;
  }
  return target === undefined ? moved : [...moved.slice(0, at), ...spreadLists(moved.slice(at), shapeOf(target))];
}

function shapeOf(command: Command<CliContext>): CommandShape {
  const { flags = {}, positional } = command.parameters;
  const lists = new Set<string>();
  const values = new Set<string>();
  for (const [name, flag] of Object.entries(flags)) {
    const external = `--${name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
    if (flag.kind === 'boolean' || flag.kind === 'counter') continue;
    ((flag.variadic ?? false) === false ? values : lists).add(external);
  }
  return { lists, values, positionals: positional?.kind === 'tuple' ? positional.parameters.length : 0 };
}

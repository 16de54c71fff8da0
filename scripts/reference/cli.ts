// docs/cli.md from the tree of commands itself.
import type { Command, RouteMap } from '@stricli/core';
import { commands } from '../../packages/cli/src/app.ts';
import type { CliContext } from '../../packages/cli/src/context.ts';

type AnyCommand = Command<CliContext>;
type Flag = NonNullable<AnyCommand['parameters']['flags']>[string];

const head = `# The command line

Made from the commands themselves by \`npm run reference\`; a test holds it equal.

From a clone: \`npx countersign …\` or \`./node_modules/.bin/countersign …\`. Long-running commands (\`start\`, \`authority\`, \`gateway\`, \`agent\`,
\`renew --daemon\`) are started directly or by an npm script that says \`exec\`; \`npx\` does not pass signals on.

- Exit code 0: done. 1: refused or failed. 2: wrong usage, or a file that cannot be read. A failure is one line on stderr: what, why, how to mend it.
- \`--data DIR\` (or \`COUNTERSIGN_DATA\`; default \`.countersign\`) is relative to where the command is called; it and \`--json\` may stand before the command.
- \`--json\` prints one JSON object per line on stdout, and for a failure \`{"error":{"code":…,"message":…,"mend":…}}\`; logs go to stderr. The codes: [errors.md](errors.md).
- A flag that takes several values may be repeated, or given several values after the command's own arguments.
- Secrets are never arguments: passphrases and passwords come from files, from the environment or from \`$CREDENTIALS_DIRECTORY\`.
- A command reaches the authority that runs on DATA through its local socket, or one elsewhere with \`--url\`, \`--cert\` and \`--key\` (an admin certificate; its \`ca.crt\` lies beside it).
- \`COUNTERSIGN_DEBUG=1\` prints where a failure happened.
`;

/** The page: one section for each command, in the tree's order. */
export function cliReference(): string {
  return [head, ...sections(commands, [])].join('\n');
}

function sections(routes: RouteMap<CliContext>, prefix: readonly string[]): readonly string[] {
  return routes.getAllEntries().flatMap(({ name, target }) => {
    const path = [...prefix, name['convert-camel-to-kebab']];
    return 'getAllEntries' in target ? sections(target, path) : [section(target, path)];
  });
}

function section(command: AnyCommand, path: readonly string[]): string {
  const { flags = {}, positional } = command.parameters;
  const own = positional?.kind === 'tuple' ? positional.parameters : [];
  const usage = ['countersign', ...path, ...own.map(({ placeholder }) => placeholder ?? 'VALUE'), '[flags]'].join(' ');
  const rows = Object.entries(flags).map(([name, flag]) => flagRow(name, flag));
  return [
    `## ${path.join(' ')}\n`,
    `\`${usage}\`\n`,
    `${command.fullDescription === undefined ? `${command.brief}.` : `${command.brief}. ${command.fullDescription}`}\n`,
    ...(own.length === 0
      ? []
      : [`${own.map(({ placeholder, brief }) => `- \`${placeholder}\`: ${brief}`).join('\n')}\n`]),
    '| flag | what it does |\n|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function flagRow(name: string, flag: Flag): string {
  const negated = flag.kind === 'boolean' && flag.default === true;
  const kebab = name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`);
  const values = flag.kind === 'enum' ? flag.values.join('\\|') : (flag.placeholder ?? 'VALUE').replaceAll('|', '\\|');
  const takes = flag.kind === 'boolean' || flag.kind === 'counter' ? '' : ` ${values}`;
  const several = 'variadic' in flag && flag.variadic !== false && flag.variadic !== undefined ? '…' : '';
  const brief = negated ? `Do not: ${flag.brief.replace(/ \(--no-.*/u, '')}` : flag.brief;
  const usual = 'default' in flag && typeof flag.default === 'string' ? ` (${flag.default})` : '';
  const needed = flag.kind === 'parsed' && flag.optional !== true && flag.default === undefined ? ' **Needed.**' : '';
  return `| \`--${negated ? 'no-' : ''}${kebab}${takes}\`${several} | ${brief.replaceAll('|', '\\|')}${usual}.${needed} |`;
}

import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface AuthorityFlags {
  readonly data?: string;
  readonly json?: boolean;
  readonly config?: string;
}

export const authority = command<AuthorityFlags>({
  async run(given) {
    const { runAuthority } = await import('../supervisor/run-authority.ts');
    await runAuthority(this, given, outputOf(this, given.json));
  },
  parameters: {
    flags: {
      data: flags.data,
      json: flags.json,
      config: flags.file('The configuration (YAML; docs/configuration.md); without it the defaults'),
    },
  },
  docs: {
    brief: 'Run the authority alone',
    fullDescription: 'Prints `ready` on a line of its own when everything listens. SIGTERM drains and ends with 0.',
  },
});

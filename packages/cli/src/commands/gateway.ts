import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface GatewayFlags {
  readonly json?: boolean;
  readonly config: string;
  readonly restart: boolean;
}

export const gateway = command<GatewayFlags>({
  async run(given) {
    const { runGateway } = await import('../supervisor/run-gateway.ts');
    await runGateway(this, given, outputOf(this, given.json));
  },
  parameters: {
    flags: {
      json: flags.json,
      config: {
        kind: 'parsed',
        parse: String,
        placeholder: 'FILE',
        brief: 'The configuration (YAML; docs/configuration.md)',
      },
      restart: flags.restart,
    },
  },
  docs: {
    brief: 'Run a gateway alone',
    fullDescription:
      'Prints `ready` on a line of its own when everything listens. SIGTERM drains and ends with 0, SIGHUP reads the configuration again. Without its authority it goes on with the last verified state.',
  },
});

import { dirname } from 'node:path';
import { readUserFile } from '../admin/target.ts';
import { pathFrom } from '../context.ts';
import { aboutFile } from '../explain.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

interface AgentFlags {
  readonly json?: boolean;
  readonly config: string;
}

export const agent = command<AgentFlags>({
  async run(given) {
    const output = outputOf(this, given.json);
    const [{ startAgent }, { parseYaml }, { untilStopped }] = await Promise.all([
      import('@countersign/agent'),
      import('../config/settings.ts'),
      import('../supervisor/signals.ts'),
    ]);
    const path = pathFrom(this, given.config);
    const config = parseYaml(path, readUserFile(path));
    const stopping = untilStopped();
    stopping.onHurry(() => process.exit(1));
    // The agent's own timers keep no process alive.
    const alive = setInterval(() => undefined, 60_000);
    try {
      const running = startAgent({ config, baseDir: dirname(path), now: this.now });
      const asked = stopping.asked.then(() => 'stop' as const);
      if ((await Promise.race([running.ready, asked])) !== 'stop') {
        const identities = running.identities.map(({ name, files, notAfter }) => ({
          name,
          cert: files.cert,
          notAfter: new Date(notAfter ?? 0).toISOString(),
        }));
        output.object({ event: 'ready', identities });
        for (const { name, cert, notAfter } of identities) output.say(`${name}  ${cert}  until ${notAfter}`);
        output.say('ready');
        await asked;
      }
      running.stop();
    } catch (error) {
      throw aboutFile(path, error);
    } finally {
      clearInterval(alive);
      stopping.release();
    }
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
    },
  },
  docs: {
    brief: "Look after this machine's identities: enroll, store, renew, run hooks",
    fullDescription: 'Prints `ready` on a line of its own when every identity has a certificate. SIGTERM ends with 0.',
  },
});

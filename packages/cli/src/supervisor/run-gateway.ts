// `countersign gateway`: a gateway alone, kept running.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gatewayProcess } from '@countersign/gateway';
import type { ListeningEvent } from '@countersign/protocol';
import { readUserFile } from '../admin/target.ts';
import { parseYaml } from '../config/settings.ts';
import { type CliContext, pathFrom } from '../context.ts';
import { aboutFile } from '../explain.ts';
import type { Output } from '../terminal/output.ts';
import { manageChild } from './child.ts';
import { listenAt } from './gateway-config.ts';
import { reload } from './reload.ts';
import { untilStopped } from './signals.ts';

/** Runs the gateway of a configuration file until a signal asks for its end. */
export async function runGateway(
  context: CliContext,
  given: { readonly config: string; readonly restart: boolean },
  output: Output,
): Promise<void> {
  const path = pathFrom(context, given.config);
  const about = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw aboutFile(path, error);
    });
  let config = parseYaml(path, readUserFile(path));
  const stopping = untilStopped(
    () =>
      void reload(output, () => {
        config = parseYaml(path, readUserFile(path));
        return about(child.reload());
      }),
  );
  stopping.onHurry(() => process.exit(1));
  const child = manageChild({
    role: 'gateway',
    module: fileURLToPath(gatewayProcess),
    options: (before) => ({ config: samePorts(config, before), baseDir: dirname(path), restart: given.restart }),
    restart: given.restart,
    onListening: () => undefined,
    onRemark: (line) => output.note(`countersign: ${line}`),
  });
  try {
    const { listen } = await about(child.start());
    output.object({ event: 'ready', gateway: listen.gateway?.[0], listen: listen.gateway, admin: listen.admin });
    for (const address of listen.gateway ?? []) output.say(`gateway  https://${address}/`);
    if (listen.admin !== undefined) output.say(`admin    http://${listen.admin}/metrics, /healthz, /readyz`);
    output.say('ready');
    const signal = await stopping.asked;
    output.note(`countersign: ${signal}: what is under way is finished, then this ends`);
    await child.stop();
  } finally {
    stopping.release();
  }
}

/** A free port is chosen once: a gateway that comes back listens where it listened before. */
function samePorts(config: Readonly<Record<string, unknown>>, before: ListeningEvent | undefined): unknown {
  const { listeners } = config;
  if (before === undefined || !Array.isArray(listeners)) return config;
  return {
    ...config,
    listeners: listeners.map((one: object, at) => ({ ...one, ...listenAt(before, at) })),
    ...(before.listen.admin === undefined
      ? {}
      : { admin: { ...(config['admin'] as object | undefined), listen: before.listen.admin } }),
  };
}

// The gateway as a process of its own: forked by a supervisor, which says over IPC what to do and hears what came of it.
import type { FailedEvent, ListeningEvent, StartCommand } from '@countersign/protocol';
import { GatewayConfigError } from './config/errors.ts';
import { type GatewayOptions, Primary } from './primary/primary.ts';

let primary: Primary | undefined;

function report(event: ListeningEvent | FailedEvent): void {
  if (process.connected) process.send?.(event);
}

async function start(options: GatewayOptions): Promise<void> {
  try {
    primary = await Primary.start(options, {
      now: () => Date.now(),
      onWorker: (pid, gateway) =>
        report({ event: 'listening', role: 'worker', pid, listen: { gateway: [...gateway] } }),
    });
  } catch (error) {
    const { code, retry } = error as { code?: unknown; retry?: unknown };
    const known = typeof code === 'string' || error instanceof GatewayConfigError;
    const message = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
    const event = {
      event: 'failed',
      role: 'gateway',
      pid: process.pid,
      code: typeof code === 'string' ? code : 'failed',
      message,
      retry: retry === true,
    } as const;
    await new Promise<void>((resolve) => {
      if (process.connected) process.send?.(event, undefined, undefined, () => resolve());
      else resolve();
    });
    process.exit(1);
  }
  const { gateway, admin } = primary.listen;
  report({
    event: 'listening',
    role: 'gateway',
    pid: process.pid,
    listen: { gateway: [...gateway], ...(admin === undefined ? {} : { admin }) },
  });
}

async function stop(): Promise<void> {
  await primary?.stop();
  process.exit(0);
}

process.once('message', (message: StartCommand) => {
  if (message.command === 'start') void start(message.options as GatewayOptions);
});
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());
// The supervisor is gone without a word: nobody would ever stop this process.
process.on('disconnect', () => void stop());

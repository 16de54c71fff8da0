// The gateway as a process of its own: forked by a supervisor, which says over IPC what to do and hears what came of it.
import type { FailedEvent, ListeningEvent, StartCommand } from '@countersign/protocol';
import { type GatewayOptions, Primary } from './primary/primary.ts';

let primary: Primary | undefined;

/** What the supervisor may say. A reload is answered like a start: `listening`, or `failed` and everything stays as it was. */
type Command = StartCommand | { readonly command: 'reload'; readonly options: unknown };

async function start(options: GatewayOptions): Promise<void> {
  try {
    primary = await Primary.start(options, {
      now: () => Date.now(),
      onWorker: (pid, gateway) =>
        void report({ event: 'listening', role: 'worker', pid, listen: { gateway: [...gateway] } }),
    });
  } catch (error) {
    await report(failureOf(error));
    process.exit(1);
  }
  await reportListening(primary);
}

async function reload(options: GatewayOptions): Promise<void> {
  if (primary === undefined) return;
  try {
    await primary.reload(options);
  } catch (error) {
    await report(failureOf(error));
    return;
  }
  await reportListening(primary);
}

async function stop(): Promise<void> {
  await primary?.stop();
  process.exit(0);
}

/** Resolves when it is said, or when nobody listens. */
function report(event: ListeningEvent | FailedEvent): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(event, undefined, undefined, () => resolve());
    else resolve();
  });
}

function reportListening({ listen }: Primary): Promise<void> {
  const { gateway, admin } = listen;
  return report({
    event: 'listening',
    role: 'gateway',
    pid: process.pid,
    listen: { gateway: [...gateway], ...(admin === undefined ? {} : { admin }) },
  });
}

/** An error with a code is meant for the operator; any other one is ours, and comes with where it was. */
function failureOf(error: unknown): FailedEvent {
  const { code, retry } = error as { code?: unknown; retry?: unknown };
  const known = error instanceof Error && typeof code === 'string';
  const message = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  return {
    event: 'failed',
    role: 'gateway',
    pid: process.pid,
    code: known ? code : 'failed',
    message,
    retry: retry === true,
  };
}

process.on('message', (message: Command) => {
  const options = message.options as GatewayOptions;
  if (message.command === 'start' && primary === undefined) void start(options);
  else if (message.command === 'reload') void reload(options);
});
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());
// The supervisor is gone without a word: nobody would ever stop this process.
process.on('disconnect', () => void stop());

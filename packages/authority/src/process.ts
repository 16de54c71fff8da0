import { startCommandSchema } from '@countersign/protocol';
import type { ProcessEvent } from '@countersign/protocol';
import { AuthorityError } from './errors.ts';
import type { AuthorityErrorCode } from './errors.ts';
import { startAuthority } from './running/start.ts';
import type { AuthorityOptions } from './running/options.ts';

// What the supervisor forks: the first message over IPC is the start command, whose options hold the passphrase. The process ends when
// its supervisor is gone, and drains on SIGTERM.

/** Failures that the next try may not meet again. */
const passing: ReadonlySet<AuthorityErrorCode> = new Set([
  'port_in_use',
  'storage_full',
  'storage_failed',
  'already_running',
]);

function tell(event: ProcessEvent): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (process.send === undefined || !process.connected) resolve();
  else process.send(event, undefined, undefined, () => resolve());
  return promise;
}

async function fail(error: unknown): Promise<never> {
  const known = error instanceof AuthorityError;
  const message = error instanceof Error ? error.message : String(error);
  if (!known) console.error(error);
  await tell({
    event: 'failed',
    role: 'authority',
    pid: process.pid,
    code: known ? error.code : 'internal',
    message: message.split('\n', 1)[0] ?? '',
    retry: !known || passing.has(error.code),
  });
  process.exit(1);
}

/** Called once at the first of: the supervisor is gone, SIGTERM, SIGINT. */
function onEnd(end: () => void): void {
  let ended = false;
  const once = (): void => {
    if (!ended) end();
    ended = true;
  };
  process.once('disconnect', once);
  process.on('SIGTERM', once);
  process.on('SIGINT', once);
}

async function run(message: unknown): Promise<void> {
  // The options are the supervisor's own, of the same version: they are typed, not parsed.
  const options = startCommandSchema.parse(message).options as AuthorityOptions;
  const starting = startAuthority(options);
  onEnd(() => {
    starting
      .then((authority) => authority.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  });
  const { listen } = await starting;
  await tell({ event: 'listening', role: 'authority', pid: process.pid, listen });
}

process.once('message', (message: unknown) => {
  run(message).catch(fail);
});

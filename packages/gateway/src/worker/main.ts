// A worker process of the gateway: forked by the primary, and nothing without it.
import { GatewayWorker } from './worker.ts';
import type { FromWorker, ToWorker } from './messages.ts';

const send = (message: FromWorker): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};

function fail(error: unknown): never {
  send({
    type: 'failed',
    code: 'worker_failed',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  process.exit(1);
}

let worker: GatewayWorker | undefined;

async function receive(message: ToWorker, handle: unknown): Promise<void> {
  if (message.type === 'setup') {
    worker = new GatewayWorker(message, { send, now: () => Date.now() });
    return;
  }
  if (worker === undefined) throw new Error(`${message.type} before setup`);
  if (message.type === 'prepared') {
    worker.prepare();
    send({ type: 'prepared' });
  } else if (message.type === 'listen') {
    await worker.listen(message.listener, handle as object);
  } else if (message.type === 'drain') {
    await worker.drain(message.withinMs);
    process.exit(0);
  } else {
    worker.handle(message);
  }
}

process.on('message', (message: ToWorker, handle: unknown) => {
  receive(message, handle).catch(fail);
});
// The parent is gone: so is everything that this process would have to obey.
process.on('disconnect', () => {
  worker?.flush();
  process.exit(0);
});
// The primary decides in what order sockets are closed: a signal to the whole group must not close one under a client.
process.on('SIGTERM', () => send({ type: 'terminating' }));
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

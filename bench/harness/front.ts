import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A server that is measured, in a session of its own. */
export interface Front {
  readonly name: string;
  readonly port: number;
  readonly session: number;
  stop(): Promise<void>;
}

/** Starts a program in a session of its own. */
export function spawnQuietly(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  return spawn(program, args, { detached: true, stdio: 'ignore', env });
}

/** Resolves when a process listens. */
export async function front(name: string, port: number, child: ChildProcess): Promise<Front> {
  const session = child.pid;
  if (session === undefined) throw new Error(`${name} does not start`);
  const gone = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => process.kill(-session, 'SIGKILL'), 5000);
    await gone;
    clearTimeout(late);
  };
  await listening(name, port, child);
  return { name, port, session, stop };
}

async function listening(name: string, port: number, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} does not listen`);
}

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

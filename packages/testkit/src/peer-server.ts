// Servers of others (nginx, HAProxy, …) as processes of their own, in the foreground.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from './events.ts';
import { endGroupWithProcess } from './leave-nothing.ts';

/** A running server. `await using` ends it. */
export interface PeerServer extends AsyncDisposable {
  readonly pid: number;
  /** Everything it has printed. */
  output(): string;
  /** Sends a signal, SIGHUP say. */
  signal(signal: NodeJS.Signals): void;
}

/**
 * Starts a server that stays in the foreground and waits until it takes connections on `port`.
 *
 * @throws Error with what it printed, when it ends before that.
 * @example await using nginx = await startPeerServer('nginx', ['-c', conf], { port });
 */
export async function startPeerServer(
  program: string,
  args: readonly string[],
  options: { readonly port: number; readonly withinMs?: number },
): Promise<PeerServer> {
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const ended = once(child, 'close');
  const { pid } = child;
  if (pid === undefined) throw new Error(`could not start ${program}`);
  // Its workers are in its group.
  const endGroup = endGroupWithProcess(child);
  const dispose = async (): Promise<void> => {
    endGroup();
    await ended;
  };
  try {
    await eventually(`${program} listens on ${options.port}`, options.withinMs ?? 30_000, () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${program} ended: ${printed}`);
      return takesConnections(options.port);
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    pid,
    output: () => printed,
    signal: (signal) => void process.kill(pid, signal),
    [Symbol.asyncDispose]: dispose,
  };
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

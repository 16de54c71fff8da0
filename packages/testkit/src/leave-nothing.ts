// What a test process has started or made must not outlive it, however it ends: `using` covers a test that ends by itself, this
// module one whose process is ended from outside (Ctrl-C, a runner that gives up) or by an uncaught error.
import type { ChildProcess } from 'node:child_process';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const cleanings = new Set<() => void>();

function cleanUp(): void {
  // The last that was made goes first: a process before the folder it works in.
  for (const clean of [...cleanings].toReversed()) {
    try {
      clean();
    } catch {
      // What cannot be cleaned must not keep the rest from being cleaned.
    }
  }
  cleanings.clear();
}

function endedBy(signal: NodeJS.Signals): void {
  cleanUp();
  // Without our listener the signal does what it does to every process, and whoever sent it sees that it did.
  for (const one of signals) process.off(one, endedBy);
  process.kill(process.pid, signal);
}

/**
 * Has `clean` (synchronous) called when this process ends: by itself, by an uncaught error, by SIGINT, SIGTERM or SIGHUP.
 *
 * @returns what takes it back, once the thing is gone in the ordinary way.
 * @example const forget = whenProcessEnds(() => rmSync(path, { recursive: true })); … forget()
 */
export function whenProcessEnds(clean: () => void): () => void {
  if (cleanings.size === 0) {
    process.on('exit', cleanUp);
    for (const signal of signals) process.on(signal, endedBy);
  }
  cleanings.add(clean);
  return () => {
    if (!cleanings.delete(clean) || cleanings.size > 0) return;
    process.off('exit', cleanUp);
    for (const signal of signals) process.off(signal, endedBy);
  };
}

/**
 * Has `child` killed when this process ends before it.
 *
 * @example const child = endWithProcess(spawn('caddy', args))
 */
export function endWithProcess<Child extends ChildProcess>(child: Child, signal: NodeJS.Signals = 'SIGKILL'): Child {
  const forget = whenProcessEnds(() => void child.kill(signal));
  child.once('exit', forget).once('error', forget);
  return child;
}

/**
 * The same for a child that was started `detached`, with all that it has started in turn: some of them may be there when it is gone.
 *
 * @returns what kills the group now; a group that is gone already is what was wanted.
 * @example const endGroup = endGroupWithProcess(spawn('nginx', args, { detached: true })); … endGroup()
 */
export function endGroupWithProcess({ pid }: ChildProcess): () => void {
  if (pid === undefined) return () => undefined;
  const kill = (): void => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The whole group is gone already.
    }
  };
  const forget = whenProcessEnds(kill);
  return () => {
    kill();
    forget();
  };
}

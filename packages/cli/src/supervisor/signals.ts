// When a long-running command ends.

const signals = ['SIGTERM', 'SIGINT'] as const;

/** Waits for the first signal that asks this process to end; a second one, while it is ending, calls `hurry`. */
export interface Stopping {
  /** Resolves with the first signal. */
  readonly asked: Promise<NodeJS.Signals>;
  /** Calls back at the second signal, and at each one after. */
  onHurry(hurry: () => void): void;
  /** Gives the signals back to their default. */
  release(): void;
}

/**
 * Listens for the signals that end a server. A signal to the whole group reaches the children too; that is one signal here.
 *
 * @param reload called at SIGHUP; without it SIGHUP, which a terminal sends when it goes away, ends the server too
 */
export function untilStopped(reload?: () => void): Stopping {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let hurry: (() => void) | undefined;
  let first: NodeJS.Signals | undefined;
  let firstAt = 0;
  const heard = (signal: NodeJS.Signals): void => {
    if (first === undefined) {
      first = signal;
      firstAt = performance.now();
      resolve(signal);
      return;
    }
    // npm passes on what the group has had already: the same signal twice within a moment is one wish.
    if (signal !== first || performance.now() - firstAt > 1000) hurry?.();
  };
  const hungUp = reload ?? heard;
  for (const signal of signals) process.on(signal, heard);
  process.on('SIGHUP', hungUp);
  return {
    asked: promise,
    onHurry: (callback) => {
      hurry = callback;
    },
    release: () => {
      for (const signal of signals) process.off(signal, heard);
      process.off('SIGHUP', hungUp);
    },
  };
}

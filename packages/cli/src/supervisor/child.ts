// A child process that is kept alive: started, awaited until it listens, started again with back-off when it ends.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type ListeningEvent, type ProcessRole, processEventSchema } from '@countersign/protocol';
import { exitFor } from '../explain.ts';
import { CliFailure } from '../failure.ts';
import { nextDelay } from './back-off.ts';

/** What to run. */
export interface ChildPlan {
  readonly role: Extract<ProcessRole, 'authority' | 'gateway'>;
  /** The module to fork. */
  readonly module: string;
  /** What it is told as its first message, asked for anew at each start; `before` is where it listened the last time. */
  options(before: ListeningEvent | undefined): unknown;
  /** Start it again when it ends. */
  readonly restart: boolean;
  /** Every event of the child, and of its own children. */
  onListening(event: ListeningEvent): void;
  /** A line for people: it ended, it starts again. */
  onRemark(line: string): void;
}

/** A running plan. */
export interface ManagedChild {
  /** Starts it; resolves when it listens. @throws CliFailure with the child's own words when it can't. */
  start(): Promise<ListeningEvent>;
  /**
   * Gives it its options anew; resolves when it works by them. @throws CliFailure with its own words when it can't, and
   * then goes on as before.
   */
  reload(): Promise<ListeningEvent>;
  /** Starts it no more when it ends: it may have had the signal that its supervisor had. */
  retire(): void;
  /** Retires it, asks it to end, and waits until it has. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
  /** Its process now, while there is one. */
  readonly pid: number | undefined;
}

// A child that ran this long was well: the next end is a new story, and the back-off starts from its beginning.
const steadyMs = 30_000;

/** A child of `plan`; it is not started yet. */
export function manageChild(plan: ChildPlan): ManagedChild {
  let child: ChildProcess | undefined;
  let stopping = false;
  let last: ListeningEvent | undefined;
  // What the child that runs was started from: its options must name its listeners alike when they are given anew.
  let startedFrom: ListeningEvent | undefined;
  let failures = 0;
  let pause: NodeJS.Timeout | undefined;

  const launch = (): Promise<ListeningEvent> => {
    // Logs of a child go to stderr whatever it prints them to: stdout carries results only.
    const started = fork(plan.module, [], { stdio: ['ignore', 2, 2, 'ipc'], env: childEnvironment(process.env) });
    child = started;
    startedFrom = last;
    follow(plan, started);
    const startedAt = performance.now();
    started.on('exit', (code, signal) => {
      if (child === started) child = undefined;
      if (performance.now() - startedAt > steadyMs) failures = 0;
      if (last !== undefined && !stopping) ended(code, signal);
    });
    started.send({ command: 'start', options: plan.options(last) });
    return awaitListening(plan, started).then((event) => {
      last = event;
      return event;
    });
  };

  const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
    const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
    if (!plan.restart) {
      plan.onRemark(`the ${plan.role} ${how}; it is not started again (--no-restart)`);
      return;
    }
    const delayMs = nextDelay(failures);
    failures += 1;
    plan.onRemark(`the ${plan.role} ${how}; starting it again in ${delayMs / 1000} s`);
    pause = setTimeout(() => {
      launch().then(
        ({ pid }) => plan.onRemark(`the ${plan.role} is back (pid ${pid})`),
        (error: unknown) => plan.onRemark(error instanceof Error ? error.message : String(error)),
      );
    }, delayMs);
  };

  const retire = (): void => {
    stopping = true;
    clearTimeout(pause);
  };

  return {
    start: launch,
    reload: async () => {
      if (child === undefined) throw new CliFailure({ code: 'child_failed', message: `the ${plan.role} does not run` });
      const answer = awaitListening(plan, child);
      child.send({ command: 'reload', options: plan.options(startedFrom) });
      last = await answer;
      return last;
    },
    retire,
    stop: async () => {
      retire();
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
    kill: () => {
      retire();
      child?.kill('SIGKILL');
    },
    get pid() {
      return child?.pid;
    },
  };
}

/** The child's own next word: that it listens, or why it can't. */
function awaitListening(plan: ChildPlan, child: ChildProcess): Promise<ListeningEvent> {
  const { promise, resolve, reject } = Promise.withResolvers<ListeningEvent>();
  let failed: CliFailure | undefined;
  const heard = (message: unknown): void => {
    const event = processEventSchema.safeParse(message);
    if (!event.success || event.data.role !== plan.role) return;
    if (event.data.event === 'listening') {
      resolve(event.data);
      return;
    }
    const { code, message: words } = event.data;
    failed = new CliFailure({ foreignCode: code, message: words, exit: exitFor(code) });
    reject(failed);
  };
  const broken = (error: Error): void => {
    reject(new CliFailure({ code: 'child_failed', message: `the ${plan.role} can't be started: ${error.message}` }));
  };
  const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
    const how = signal === null ? `exit code ${code}` : signal;
    const silent = { code: 'child_failed' as const, message: `the ${plan.role} ended before it listened (${how})` };
    reject(failed ?? new CliFailure(silent));
  };
  child.on('message', heard).on('error', broken).on('exit', gone);
  return promise.finally(() => child.off('message', heard).off('error', broken).off('exit', gone));
}

/** Everything that a child says of itself and of its own children, for as long as it lives. */
function follow(plan: ChildPlan, child: ChildProcess): void {
  child.on('message', (message) => {
    const event = processEventSchema.safeParse(message);
    if (!event.success) return;
    if (event.data.event === 'listening') plan.onListening(event.data);
    else if (event.data.role !== plan.role) plan.onRemark(event.data.message);
  });
  // A child that could not be started is told by whoever waits for it.
  child.on('error', () => undefined);
}

// Passphrases reach the child as a message; nothing secret is inherited, nor what only the parent is meant to see.
function childEnvironment(env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^COUNTERSIGN_(?:ROOT_)?PASSPHRASE/u.test(name));
  return Object.fromEntries(kept);
}

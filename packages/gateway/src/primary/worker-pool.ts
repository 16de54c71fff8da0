import { type ChildProcess, fork } from 'node:child_process';
import type { FromWorker, ToWorker } from '../worker/messages.ts';
import { BackOff } from '@countersign/trust';
import type { ListenSocket } from './listen-socket.ts';

/** A worker that lived this long starts its successor without a wait. */
const STEADY_MS = 10_000;

export interface WorkerPoolOptions {
  readonly entry: URL;
  /** False (for tests): a worker that ends is not replaced. */
  readonly restart: boolean;
  /** As they are now, by the id of their listener. */
  readonly sockets: () => ReadonlyMap<string, ListenSocket>;
  /** The first messages of a new worker: everything it has to know before it accepts. */
  readonly prepare: () => readonly ToWorker[];
  /** Number of the last news of trust that `prepare` contains. */
  readonly sequence: () => number;
  readonly onMessage: (message: FromWorker, worker: Worker) => void;
  /** A worker accepts connections. */
  readonly onReady: (worker: Worker) => void;
  readonly onExit: (worker: Worker, code: number | null, signal: NodeJS.Signals | null) => void;
  readonly random: () => number;
}

/** One worker process, as the primary sees it. */
export class Worker {
  readonly child: ChildProcess;
  readonly startedAt: number = performance.now();
  /** Accepts connections. */
  ready = false;
  /** Was given a socket: it may accept at any moment. */
  mayAccept = false;
  /** Was told to drain: its end is meant, and it has a successor already. */
  leaving = false;
  /** Last trust update that it has applied. */
  applied = 0;

  constructor(child: ChildProcess) {
    this.child = child;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Says something to the worker; to one that has just ended it is said in vain. */
  send(message: ToWorker, handle?: object): void {
    if (this.child.connected) this.child.send(message, handle as never, () => undefined);
  }
}

/**
 * The worker processes: started together, replaced when one ends (with growing waits when they end young), drained together.
 * They accept from sockets that the primary holds, so that a worker's end costs nobody a connection that is not its own.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #backOff: BackOff;
  readonly #workers = new Set<Worker>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#backOff = new BackOff({ firstMs: 200, mostMs: 30_000, random: options.random });
  }

  get workers(): readonly Worker[] {
    return [...this.#workers];
  }

  start(size: number): void {
    for (let count = 0; count < size; count++) this.#fork();
  }

  /** Starts `size` successors for all workers there are, and drains these once the successors accept connections. */
  replaceAll(size: number, drainMs: number): Promise<void> {
    const old = this.workers.filter((worker) => !worker.leaving);
    for (const worker of old) worker.leaving = true;
    return new Promise((resolve) => {
      let awaited = size;
      const onReady = () => {
        awaited -= 1;
        if (awaited > 0) return;
        for (const worker of old) worker.send({ type: 'drain', withinMs: drainMs });
        resolve();
      };
      for (let count = 0; count < size; count++) this.#fork(onReady);
    });
  }

  broadcast(message: ToWorker): void {
    for (const worker of this.#workers) worker.send(message);
  }

  /** Starts a successor, and drains `worker` once that one accepts connections. */
  replace(worker: Worker, drainMs: number): void {
    if (worker.leaving || this.#stopping) return;
    worker.leaving = true;
    this.#fork(() => worker.send({ type: 'drain', withinMs: drainMs }));
  }

  /** Drains every worker; resolves when the last one has ended. Those that take too long are killed. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const ends = this.workers.map((worker) => {
      worker.leaving = true;
      worker.send({ type: 'drain', withinMs: drainMs });
      const overdue = setTimeout(() => worker.child.kill('SIGKILL'), drainMs + 5000);
      return new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(overdue);
          resolve();
        };
        if (worker.child.exitCode !== null || worker.child.signalCode !== null) done();
        else worker.child.once('exit', done);
      });
    });
    await Promise.all(ends);
  }

  /** @param onReady - called once, when this worker, or the one in its place should it end before, accepts connections */
  #fork(onReady?: () => void): void {
    const child = fork(this.#options.entry, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const worker = new Worker(child);
    this.#workers.add(worker);
    const sockets = this.#options.sockets();
    const awaited = new Set(sockets.keys());
    child.on('message', (message: FromWorker) => {
      if (message.type === 'prepared') {
        if (this.#stopping) return;
        worker.mayAccept = true;
        for (const [listener, socket] of sockets) worker.send({ type: 'listen', listener }, socket.handle);
      } else if (message.type === 'listening') {
        awaited.delete(message.listener);
        if (awaited.size === 0 && !worker.ready) {
          worker.ready = true;
          this.#options.onReady(worker);
          onReady?.();
        }
      } else {
        this.#options.onMessage(message, worker);
      }
    });
    // A child that could not be started ends too, with an `exit` or without.
    child.on('error', () => this.#ended(worker, null, null, onReady));
    child.on('exit', (code, signal) => this.#ended(worker, code, signal, onReady));
    worker.applied = this.#options.sequence();
    for (const message of this.#options.prepare()) worker.send(message);
    worker.send({ type: 'prepared' });
  }

  #ended(worker: Worker, code: number | null, signal: NodeJS.Signals | null, onReady?: () => void): void {
    if (!this.#workers.delete(worker)) return;
    this.#options.onExit(worker, code, signal);
    if (this.#stopping || worker.leaving || !this.#options.restart) return;
    const next = worker.ready ? undefined : onReady;
    if (performance.now() - worker.startedAt >= STEADY_MS) {
      this.#backOff.reset();
      this.#fork(next);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fork(next);
    }, this.#backOff.next());
    this.#timers.add(timer);
  }
}

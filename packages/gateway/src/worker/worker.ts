import { randomBytes } from 'node:crypto';
import { compileConfig } from '../config/compile.ts';
import type { GatewayConfig } from '../config/config.ts';
import { type KeyPair, LiveTrust } from '@countersign/trust';
import { createWorkerMetrics, type WorkerMetrics } from '../metrics/worker-metrics.ts';
import { Connections } from './connections.ts';
import { createLineLog, type LineLog, openSink } from '../log/line-log.ts';
import { createOperatorLog } from '../log/operator-log.ts';
import { GatewayListener } from './listener.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { policiesOf, Upstreams } from './policies.ts';
import { WorkerStaples } from './worker-staples.ts';
import { StatusWaiting } from './status-waiting.ts';

/** How long a connection waits for what other workers know. */
const QUERY_MS = 500;
/** How long accepting goes on at the end while connections keep coming. */
const ACCEPT_MS = 2000;
/** How long, at the end, a connection may go without a first byte. */
const SILENT_MS = 2000;

export interface WorkerPort {
  send(message: FromWorker): void;
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
}

/** A worker process: it does what the primary says, and serves connections. */
export class GatewayWorker {
  readonly #port: WorkerPort;
  readonly #config: GatewayConfig;
  readonly #trust: LiveTrust;
  readonly #metrics: WorkerMetrics;
  readonly #log: LineLog;
  readonly #operator = createOperatorLog('worker');
  readonly #connections = new Connections();
  readonly #pairs = new Map<string, KeyPair>();
  readonly #listeners = new Map<string, GatewayListener>();
  readonly #upstreams = new Upstreams();
  readonly #waiting = new Map<number, () => void>();
  readonly #statuses: StatusWaiting;
  readonly #staples: WorkerStaples;
  #ticketKeys: Buffer;
  #queries = 0;

  constructor(setup: Extract<ToWorker, { type: 'setup' }>, port: WorkerPort) {
    this.#port = port;
    this.#config = compileConfig(setup.config, setup.baseDir);
    this.#ticketKeys = Buffer.from(setup.ticketKeys);
    this.#staples = new WorkerStaples(() => port.now());
    for (const certificate of setup.certificates) this.#pairs.set(certificate.id, certificate);
    for (const staple of setup.staples) this.#staples.take(staple);
    this.#log = createLineLog(openSink(this.#config.accessLog));
    this.#metrics = createWorkerMetrics({
      connections: () => this.#sum((listener) => listener.tls.connections),
      handshakes: () => this.#sum((listener) => listener.tls.handshakes),
      identities: () => this.#trust.register.size,
    });
    this.#trust = new LiveTrust({
      bundles: this.#config.bundles,
      policies: policiesOf(this.#config),
      hasFeed: this.#config.authority !== undefined,
      now: () => port.now(),
      seed: randomBytes(4).readUInt32LE(),
      onIntermediate: (der) => port.send({ type: 'intermediates', certificates: [der] }),
      alarm: (message) => this.#operator.error(message),
      onSoft: (source) => this.#metrics.soft(source),
      onDue: (bundle, questions) => port.send({ type: 'statusDue', bundle, questions }),
    });
    this.#trust.learn(setup.intermediates);
    this.#statuses = new StatusWaiting({
      ask: (query, bundle, questions) => port.send({ type: 'status', query, bundle, questions }),
      leave: (query) => port.send({ type: 'statusLeft', query }),
    });
  }

  /** Does what a message says; those of `setup` and `listen` have their own ways in. */
  handle(message: ToWorker): void {
    switch (message.type) {
      case 'ticketKeys':
        this.#ticketKeys = Buffer.from(message.keys);
        for (const listener of this.#listeners.values()) listener.tls.setTicketKeys(this.#ticketKeys);
        break;
      case 'certificate':
        this.#pairs.set(message.certificate.id, message.certificate);
        for (const listener of this.#listeners.values()) listener.refresh(message.certificate.id);
        break;
      case 'staple':
        this.#staples.take(message.staple);
        break;
      case 'trust':
        if (this.#trust.apply(message.update)) {
          for (const listener of this.#listeners.values()) listener.refresh();
        }
        this.#port.send({ type: 'applied', sequence: message.sequence });
        break;
      case 'intermediates':
        this.#trust.learn(message.certificates);
        break;
      case 'answer':
        this.#trust.learn(message.certificates);
        this.#waiting.get(message.query)?.();
        break;
      case 'statusTold':
        this.#statuses.told(message.query);
        break;
      case 'metrics':
        void this.#metrics
          .snapshot()
          .then((metrics) => this.#port.send({ type: 'metrics', query: message.query, metrics }));
        break;
      case 'policies':
        this.#trust.replacePolicies(policiesOf(compileConfig(message.config, message.baseDir)));
        break;
      case 'setup':
      case 'prepared':
      case 'listen':
      case 'drain':
        break;
    }
  }

  /** Everything before `listen` has been said: from now on there are listeners, though nothing is accepted yet. */
  prepare(): void {
    for (const listener of this.#config.listeners) {
      this.#listeners.set(
        listener.id,
        new GatewayListener(listener, {
          config: this.#config,
          admission: {
            trust: this.#trust,
            now: () => this.#port.now(),
            askOthers: (leaf) => this.#askOthers(leaf),
            askStatus: (asked) => this.#statuses.ask(asked),
            onStatus: (how, ms) => this.#metrics.status(how, ms),
            onRefused: (code) => this.#metrics.refused(code),
            onEnded: (code) => this.#metrics.ended(code),
          },
          connections: this.#connections,
          metrics: this.#metrics,
          log: this.#log,
          upstreams: this.#upstreams,
          pairs: this.#pairs,
          stapleFor: (certificate) => this.#staples.of(certificate),
          ticketKeys: this.#ticketKeys,
          now: () => this.#port.now(),
          onUnjudgeable: () => this.#port.send({ type: 'renewTicketKeys' }),
        }),
      );
    }
    this.#trust.start();
  }

  /** Accepts from the socket of a listener. */
  async listen(id: string, handle: object): Promise<void> {
    const listener = this.#listeners.get(id);
    if (listener === undefined) throw new Error(`there is no listener ${id}`);
    await listener.tls.listen(handle);
    this.#port.send({ type: 'listening', listener: id });
  }

  /** Serves what is accepted, accepts no more, and resolves when nothing is left or the time is up. */
  async drain(withinMs: number): Promise<void> {
    const listeners = [...this.#listeners.values()];
    const end = performance.now() + withinMs;
    const closing = Promise.all(listeners.map((listener) => listener.tls.stopAccepting(Math.min(ACCEPT_MS, withinMs))));
    this.#connections.drain();
    await closing;
    // Who has connected only to have a connection ready, as browsers do, asks for nothing and need not be waited for.
    const silent = setTimeout(() => {
      for (const listener of listeners) listener.tls.endSilent();
    }, SILENT_MS);
    await this.#connections.ended(end, () => this.#sum((listener) => listener.tls.handshakes + listener.judging));
    clearTimeout(silent);
    this.#trust.stop();
    this.flush();
  }

  /** Writes out what the log has not written yet. */
  flush(): void {
    this.#log.flush();
  }

  #askOthers(leaf: Uint8Array): Promise<void> {
    const query = ++this.#queries;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(query);
        resolve();
      };
      const timer = setTimeout(done, QUERY_MS);
      this.#waiting.set(query, done);
      this.#port.send({ type: 'query', query, leaf });
    });
  }

  #sum(count: (listener: GatewayListener) => number): number {
    let sum = 0;
    for (const listener of this.#listeners.values()) sum += count(listener);
    return sum;
  }
}

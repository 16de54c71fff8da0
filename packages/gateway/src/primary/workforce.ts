import type { OperatorLog } from '../log/operator-log.ts';
import type { FromWorker, ServerCertificate, StapleData, ToWorker } from '../worker/messages.ts';
import { TicketKeys, type TrustUpdate, words } from '@countersign/trust';
import type { ListenSockets } from './listen-sockets.ts';
import { MetricsCollector } from './metrics-collector.ts';
import { SharedIntermediates } from './shared-intermediates.ts';
import { GatewayStartError } from './start-error.ts';
import { type AskStatus, StatusQueries } from './status-queries.ts';
import { TrustNews } from './trust-news.ts';
import { type Worker, WorkerPool } from './worker-pool.ts';

const TICKET_KEYS_MS = 12 * 3_600_000;
const TICKET_KEYS_INTERVAL_MS = 1000;
const HOUSEKEEPING_MS = 60_000;
/** News that may be other than before when the configuration is. */
const OF_CONFIGURATION: ReadonlySet<TrustUpdate['kind']> = new Set(['bundle', 'crl', 'ocsp']);

/** What a worker that starts now has to know. */
export interface WorkerSetup {
  /** The configuration as written. */
  readonly config: unknown;
  readonly baseDir: string;
  readonly certificates: readonly ServerCertificate[];
  readonly trust: readonly TrustUpdate[];
  readonly staples: readonly StapleData[];
}

export interface WorkforceOptions {
  /** False (for tests): a worker that ends is not replaced. */
  readonly restart: boolean;
  readonly sockets: () => ListenSockets;
  readonly setup: () => WorkerSetup;
  readonly drainMs: () => number;
  /** The primary's own metrics, as text. */
  readonly ownMetrics: () => Promise<string>;
  /** A worker accepts connections. */
  readonly onReady: (pid: number) => void;
  /** CAs of a path that a worker has verified, which were not known before: DER. */
  readonly onIntermediates: (certificates: readonly Uint8Array[]) => void;
  /** Asks for the status of certificates. */
  readonly askStatus: AskStatus;
  readonly log: OperatorLog;
}

/** The workers, and everything that they share through the primary: trust, ticket keys, intermediates, metrics. */
export class Workforce {
  readonly #options: WorkforceOptions;
  readonly #pool: WorkerPool;
  readonly #intermediates = new SharedIntermediates();
  readonly #news: TrustNews;
  readonly #tickets: TicketKeys;
  readonly #metrics: MetricsCollector;
  readonly #statuses: StatusQueries;
  #timer: NodeJS.Timeout | undefined;
  #starting: { awaited: number; resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(options: WorkforceOptions) {
    this.#options = options;
    this.#pool = new WorkerPool({
      entry: workerEntry(),
      restart: options.restart,
      sockets: options.sockets,
      prepare: () => this.#prepare(),
      sequence: () => this.#news.sequence,
      random: Math.random,
      onReady: (worker) => this.#ready(worker),
      onMessage: (message, worker) => this.#received(message, worker),
      onExit: (worker, code, signal) => this.#exited(worker, signal ?? `exit code ${code}`),
    });
    this.#news = new TrustNews(
      (message) => this.#pool.broadcast(message),
      () => this.#pool.workers,
    );
    this.#tickets = new TicketKeys({
      maxAgeMs: TICKET_KEYS_MS,
      minIntervalMs: TICKET_KEYS_INTERVAL_MS,
      now: () => performance.now(),
      publish: (keys) => this.#pool.broadcast({ type: 'ticketKeys', keys }),
    });
    this.#statuses = new StatusQueries(options.askStatus, (error) =>
      options.log.error(`the status of a certificate could not be asked for: ${words(error)}`),
    );
    this.#metrics = new MetricsCollector(() => this.#pool.workers, options.ownMetrics);
  }

  /** Workers there are, those included that are starting or ending. */
  get size(): number {
    return this.#pool.workers.length;
  }

  /** CAs of paths that workers have verified: DER. */
  get intermediates(): readonly Uint8Array[] {
    return this.#intermediates.all();
  }

  /** Workers that accept connections. */
  get accepting(): number {
    return this.#pool.workers.filter((worker) => worker.ready).length;
  }

  /**
   * Starts `size` workers; resolves when all of them accept connections.
   *
   * @throws GatewayStartError when one of them cannot
   */
  start(size: number): Promise<void> {
    this.#timer = setInterval(() => this.#tickets.renewWhenOld(), HOUSEKEEPING_MS);
    return new Promise((resolve, reject) => {
      this.#starting = { awaited: size, resolve, reject };
      this.#pool.start(size);
    });
  }

  /** Workers by another configuration in the place of all; connections that its rules do not admit end at once. */
  async replaceAll(size: number): Promise<void> {
    const { config, baseDir, trust } = this.#options.setup();
    this.renewTicketKeys();
    for (const update of trust) if (OF_CONFIGURATION.has(update.kind)) void this.tell(update);
    this.#pool.broadcast({ type: 'policies', config, baseDir });
    await this.#pool.replaceAll(size, this.#options.drainMs());
  }

  /** Accepts no more, serves what is accepted, and ends. */
  async stop(drainMs: number): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.stop(drainMs);
  }

  /** Tells all workers; resolves when every one that may accept connections has applied it. */
  tell(update: TrustUpdate): Promise<void> {
    return this.#news.tell(update);
  }

  /** Another certificate is shown from now on; connections live on. */
  showCertificate({ id, cert, key }: ServerCertificate): void {
    this.#pool.broadcast({ type: 'certificate', certificate: { id, cert, key } });
  }

  /** Another OCSP response is stapled from now on. */
  staple(staple: StapleData): void {
    this.#pool.broadcast({ type: 'staple', staple });
  }

  /** Ends the resumption of every session of before: trust has changed. */
  renewTicketKeys(): void {
    this.#tickets.renew();
  }

  /** All metrics in the text format of Prometheus. */
  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  #prepare(): readonly ToWorker[] {
    const { config, baseDir, certificates, trust, staples } = this.#options.setup();
    return [
      {
        type: 'setup',
        config,
        baseDir,
        ticketKeys: this.#tickets.current,
        certificates: certificates.map(({ id, cert, key }) => ({ id, cert, key })),
        intermediates: this.#intermediates.all(),
        staples,
      },
      ...trust.map((update): ToWorker => ({ type: 'trust', sequence: 0, update })),
    ];
  }

  #ready(worker: Worker): void {
    this.#options.onReady(worker.pid);
    const starting = this.#starting;
    if (starting === undefined) return;
    starting.awaited -= 1;
    if (starting.awaited > 0) return;
    this.#starting = undefined;
    starting.resolve();
  }

  #received(message: FromWorker, worker: Worker): void {
    switch (message.type) {
      case 'applied':
        worker.applied = Math.max(worker.applied, message.sequence);
        this.#news.check();
        break;
      case 'intermediates': {
        const certificates = this.#intermediates.add(message.certificates);
        if (certificates.length === 0) break;
        this.#options.onIntermediates(certificates);
        for (const other of this.#pool.workers) {
          if (other !== worker) other.send({ type: 'intermediates', certificates });
        }
        break;
      }
      case 'query': {
        const certificates = this.#intermediates.issuersOf(message.leaf);
        worker.send({ type: 'answer', query: message.query, certificates });
        break;
      }
      case 'status':
        void this.#statuses.received(worker, message);
        break;
      case 'statusLeft':
        this.#statuses.left(worker, message.query);
        break;
      case 'statusDue':
        this.#statuses.due(message.bundle, message.questions);
        break;
      case 'renewTicketKeys':
        this.#tickets.renewOnRequest();
        break;
      case 'metrics':
        this.#metrics.answered(worker, message);
        break;
      case 'terminating':
        // A signal to the group reaches the primary too, and then stops everything; alone it means this worker.
        setImmediate(() => this.#pool.replace(worker, this.#options.drainMs()));
        break;
      case 'failed':
        this.#options.log.error(`worker ${worker.pid}: ${message.message}`);
        this.#starting?.reject(new GatewayStartError(message.code, message.message));
        break;
      case 'prepared':
      case 'listening':
        break;
    }
  }

  #exited(worker: Worker, how: string): void {
    void this.#metrics.ended(worker);
    this.#statuses.ended(worker);
    this.#news.check();
    if (!worker.leaving) this.#options.log.error(`worker ${worker.pid} has ended (${how})`);
    if (!worker.ready) {
      this.#starting?.reject(new GatewayStartError('worker_failed', `a worker ended before it was ready (${how})`));
    }
  }
}

/** The worker's module beside this one, as source or as built. */
function workerEntry(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../worker/main.ts' : '../worker/main.js', import.meta.url);
}

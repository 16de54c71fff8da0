import { compileConfig, workerCount } from '../config/compile.ts';
import type { GatewayConfig } from '../config/config.ts';
import { formatAddress } from '../config/address.ts';
import { testPresentedChain } from '../listener/self-test.ts';
import { createOperatorLog, type OperatorLog } from '../log/operator-log.ts';
import { createPrimaryMetrics } from '../metrics/primary-metrics.ts';
import type { FromWorker, ToWorker } from '../worker/messages.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import { AuthorityLink } from '../authority-link/authority-link.ts';
import { type BundleFiles, watchBundleFiles } from './bundle-files.ts';
import { CrlFollowers } from './crl-followers.ts';
import { type FileCertificates, watchFileCertificates } from './file-certificates.ts';
import { type ListenSocket, openListenSocket } from './listen-socket.ts';
import { MetricsCollector } from './metrics-collector.ts';
import type { CheckedCertificate } from './server-certificate.ts';
import { SharedIntermediates } from './shared-intermediates.ts';
import { GatewayStartError } from './start-error.ts';
import { TicketKeys } from './ticket-keys.ts';
import { TrustNews } from './trust-news.ts';
import { type Worker, WorkerPool } from './worker-pool.ts';

const TICKET_KEYS_MS = 12 * 3_600_000;
const TICKET_KEYS_INTERVAL_MS = 1000;
const HOUSEKEEPING_MS = 60_000;

/** What a gateway is started with. Secrets come this way and never by argv or the environment. */
export interface GatewayOptions {
  /** The configuration, as parsed from YAML or JSON. */
  readonly config: unknown;
  /** Folder that relative paths of the configuration start at. */
  readonly baseDir: string;
  /** An enrollment token, where the configuration names no file of one. */
  readonly token?: string | undefined;
  /** False: a worker that ends is not replaced (for tests). Default true. */
  readonly restart?: boolean | undefined;
}

/** Where a running gateway listens, with the real ports. */
export interface GatewayListen {
  readonly gateway: readonly string[];
  readonly admin: string | undefined;
}

export interface PrimaryPort {
  /** A worker accepts connections. */
  onWorker(pid: number, listen: readonly string[]): void;
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Absent: stderr. */
  readonly log?: OperatorLog | undefined;
}

/**
 * The gateway's primary process: it holds the listening sockets, knows everything that workers have to know, and keeps them
 * running. It serves no client itself.
 */
export class Primary {
  readonly #options: GatewayOptions;
  readonly #port: PrimaryPort;
  readonly #config: GatewayConfig;
  readonly #log: OperatorLog;
  readonly #sockets = new Map<string, ListenSocket>();
  readonly #intermediates = new SharedIntermediates();
  readonly #news: TrustNews;
  readonly #tickets: TicketKeys;
  readonly #metrics: MetricsCollector;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #crls: CrlFollowers;
  readonly #giveUp = new AbortController();
  #pool: WorkerPool | undefined;
  #link: AuthorityLink | undefined;
  #files: FileCertificates | undefined;
  #bundles: BundleFiles | undefined;
  #admin: AdminServer | undefined;
  #stopping = false;

  /**
   * Starts a gateway; resolves when every worker accepts connections.
   *
   * @throws GatewayConfigError, GatewayStartError, TrustError
   */
  static async start(options: GatewayOptions, port: PrimaryPort): Promise<Primary> {
    if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
      throw new GatewayStartError(
        'tls_disarmed',
        'NODE_TLS_REJECT_UNAUTHORIZED=0 disarms TLS in this process; unset it',
      );
    }
    const primary = new Primary(options, port);
    try {
      await primary.#start();
    } catch (error) {
      await primary.stop(0);
      throw error;
    }
    return primary;
  }

  private constructor(options: GatewayOptions, port: PrimaryPort) {
    this.#options = options;
    this.#port = port;
    this.#config = compileConfig(options.config, options.baseDir);
    this.#log = port.log ?? createOperatorLog('gateway');
    this.#news = new TrustNews(
      (message) => this.#pool?.broadcast(message),
      () => this.#pool?.workers ?? [],
    );
    this.#tickets = new TicketKeys({
      maxAgeMs: TICKET_KEYS_MS,
      minIntervalMs: TICKET_KEYS_INTERVAL_MS,
      now: () => performance.now(),
      publish: (keys) => this.#pool?.broadcast({ type: 'ticketKeys', keys }),
    });
    this.#crls = new CrlFollowers({
      now: () => port.now(),
      random: Math.random,
      onCrl: (update) => this.#publish(`crl ${update.bundle} ${update.source}`, update),
      shout: (message) => this.#log.error(message),
    });
    const own = createPrimaryMetrics({
      workers: () => this.#pool?.workers.filter((worker) => worker.ready).length ?? 0,
      feedLagSeconds: () => {
        const freshAt = this.#link?.freshAt;
        return freshAt === undefined ? undefined : Math.max(0, port.now() - freshAt) / 1000;
      },
      feedConnected: () => (this.#config.authority === undefined ? undefined : (this.#link?.connected ?? false)),
      certificates: () => [
        ...this.#serverCertificates().map(({ id, notAfter }) => ({ role: 'server', name: id, notAfter })),
        ...(this.#link?.ends() ?? []),
      ],
      crls: () => this.#crls.ends(),
    });
    this.#metrics = new MetricsCollector(() => this.#pool, own);
  }

  get listen(): GatewayListen {
    return {
      gateway: this.#config.listeners.map(({ id, address }) =>
        formatAddress(this.#sockets.get(id)?.address ?? address),
      ),
      admin: this.#admin?.address,
    };
  }

  /**
   * Stops: accepts no more, serves what is accepted, and ends the workers.
   *
   * @param drainMs - how long requests under way may take; the configuration's when absent
   */
  async stop(drainMs: number = this.#config.drainMs): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#giveUp.abort();
    for (const timer of this.#timers) clearInterval(timer);
    // The primary's hold goes first: the workers then close at a moment at which they see that nobody is waiting.
    for (const socket of this.#sockets.values()) socket.close();
    await this.#pool?.stop(drainMs);
    this.#files?.stop();
    this.#bundles?.stop();
    this.#crls.stop();
    this.#link?.stop();
    this.#admin?.close();
  }

  /** Ends everything at once. */
  kill(): void {
    for (const worker of this.#pool?.workers ?? []) worker.child.kill('SIGKILL');
  }

  async #start(): Promise<void> {
    const config = this.#config;
    for (const warning of config.warnings) this.#log.warn(warning);
    await testPresentedChain(this.#port.now());
    await this.#openSockets();
    this.#files = await watchFileCertificates(config, {
      now: () => this.#port.now(),
      onChange: (certificate) => this.#showCertificate(certificate),
      warn: (message) => this.#log.warn(message),
    }).catch((error: unknown) => {
      throw new GatewayStartError('certificate_unusable', error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    });
    this.#bundles = await watchBundleFiles([...config.bundles.values()], {
      onChange: (update) => {
        this.#log.info(`bundle ${update.name} has changed`);
        this.#crls.setBundle(update);
        this.#tickets.renew();
        this.#publish(`bundle ${update.name}`, update);
      },
      shout: (message) => this.#log.error(message),
    });
    for (const update of this.#bundles.updates) this.#news.stand(`bundle ${update.name}`, [update]);
    await this.#crls.start([...config.bundles.values()], this.#bundles.updates);
    await this.#startAdmin();
    await this.#openLink();
    await this.#startWorkers();
    this.#timers.push(setInterval(() => this.#tickets.renewWhenOld(), HOUSEKEEPING_MS));
  }

  /** News to all workers, and to those that start later. */
  #publish(key: string, update: TrustUpdate): void {
    this.#news.stand(key, [update]);
    void this.#news.tell(update);
  }

  async #openLink(): Promise<void> {
    const { authority, stateDir } = this.#config;
    if (authority === undefined || stateDir === undefined) return;
    this.#link = await AuthorityLink.open(
      {
        config: this.#config,
        authority,
        stateDir,
        token: this.#options.token,
        log: this.#log,
        now: () => this.#port.now(),
        random: Math.random,
        tell: (update) => this.#news.tell(update),
        workers: () => this.#pool?.workers.length ?? 0,
        onCertificate: (certificate) => this.#showCertificate(certificate),
        onBundle: () => this.#tickets.renew(),
      },
      this.#giveUp.signal,
    );
  }

  #showCertificate({ id, cert, key }: CheckedCertificate): void {
    this.#pool?.broadcast({ type: 'certificate', certificate: { id, cert, key } });
  }

  #serverCertificates(): readonly CheckedCertificate[] {
    return [...(this.#files?.certificates ?? []), ...(this.#link?.certificates ?? [])];
  }

  async #openSockets(): Promise<void> {
    for (const { id, address } of this.#config.listeners) {
      const result = await openListenSocket(address);
      if (!result.ok) throw new GatewayStartError(result.code, result.message, { retry: result.code === 'EADDRINUSE' });
      this.#sockets.set(id, result.socket);
    }
  }

  async #startAdmin(): Promise<void> {
    const { admin } = this.#config;
    if (admin === undefined) return;
    try {
      this.#admin = await startAdminServer(admin, {
        metrics: () => this.#metrics.text(),
        notReady: () => this.#notReady(),
      });
    } catch (error) {
      const { code = 'admin_failed' } = error as NodeJS.ErrnoException;
      const words = code === 'EADDRINUSE' ? 'the address is already in use' : (error as Error).message;
      throw new GatewayStartError(code, `cannot listen on ${formatAddress(admin)}: ${words} (${code})`, {
        cause: error,
      });
    }
  }

  #startWorkers(): Promise<void> {
    return new Promise((resolve, reject) => {
      const size = workerCount(this.#config);
      let awaited = size;
      this.#pool = new WorkerPool({
        entry: workerEntry(),
        size,
        restart: this.#options.restart ?? true,
        sockets: this.#sockets,
        prepare: () => this.#prepare(),
        sequence: () => this.#news.sequence,
        random: Math.random,
        onReady: (worker) => {
          this.#port.onWorker(worker.pid, this.listen.gateway);
          awaited -= 1;
          if (awaited === 0) resolve();
        },
        onMessage: (message, worker) => {
          if (message.type === 'failed' && awaited > 0) {
            reject(new GatewayStartError(message.code, message.message));
          }
          this.#received(message, worker);
        },
        onExit: (worker, code, signal) => {
          this.#exited(worker, code, signal);
          if (awaited > 0 && !worker.ready)
            reject(new GatewayStartError('worker_failed', `a worker ended before it was ready (${signal ?? code})`));
        },
      });
      this.#pool.start();
    });
  }

  #prepare(): readonly ToWorker[] {
    return [
      {
        type: 'setup',
        config: this.#options.config,
        baseDir: this.#options.baseDir,
        ticketKeys: this.#tickets.current,
        certificates: this.#serverCertificates().map(({ id, cert, key }) => ({ id, cert, key })),
        intermediates: this.#intermediates.all(),
      },
      ...this.#news.standing(),
      ...(this.#link?.standing() ?? []).map((update): ToWorker => ({ type: 'trust', sequence: 0, update })),
    ];
  }

  #received(message: FromWorker, worker: Worker): void {
    switch (message.type) {
      case 'applied':
        worker.applied = Math.max(worker.applied, message.sequence);
        this.#news.check();
        break;
      case 'intermediates': {
        const fresh = this.#intermediates.add(message.certificates);
        if (fresh.length === 0) break;
        for (const other of this.#pool?.workers ?? []) {
          if (other !== worker) other.send({ type: 'intermediates', certificates: fresh });
        }
        break;
      }
      case 'query':
        worker.send({
          type: 'answer',
          query: message.query,
          certificates: this.#intermediates.issuersOf(message.leaf),
        });
        break;
      case 'renewTicketKeys':
        this.#tickets.renewOnRequest();
        break;
      case 'metrics':
        this.#metrics.answered(worker, message);
        break;
      case 'terminating':
        // A signal to the group reaches the primary too, and then stops everything; alone it means this worker.
        setImmediate(() => this.#pool?.replace(worker, this.#config.drainMs));
        break;
      case 'failed':
        this.#log.error(`worker ${worker.pid}: ${message.message}`);
        break;
      case 'prepared':
      case 'listening':
        break;
    }
  }

  #exited(worker: Worker, code: number | null, signal: NodeJS.Signals | null): void {
    void this.#metrics.ended(worker);
    this.#news.check();
    if (!worker.leaving) this.#log.error(`worker ${worker.pid} has ended (${signal ?? code})`);
  }

  /** Why clients would not be admitted; undefined when they would. */
  #notReady(): string | undefined {
    if (this.#stopping) return 'stopping';
    if (this.#config.authority !== undefined && this.#link === undefined) return 'waiting for the authority';
    if (this.#pool?.workers.some((worker) => worker.ready) !== true) return 'no worker accepts connections';
    if (this.#link !== undefined && this.#link.freshAt === undefined) return 'there is no trust state yet';
    return undefined;
  }
}

/** The worker's module beside this one, as source or as built. */
function workerEntry(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../worker/main.ts' : '../worker/main.js', import.meta.url);
}

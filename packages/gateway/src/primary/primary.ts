import { join } from 'node:path';
import { CrlStore, testPresentedChain } from '@countersign/trust';
import { AuthorityLink } from '../authority-link/authority-link.ts';
import { formatAddress } from '../config/address.ts';
import { compileConfig, workerCount } from '../config/compile.ts';
import type { GatewayConfig } from '../config/config.ts';
import { createOperatorLog, type OperatorLog } from '../log/operator-log.ts';
import { createPrimaryMetrics, type PrimaryFacts } from '../metrics/primary-metrics.ts';
import { createPolicies, Upstreams } from '../worker/policies.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import { closeUnused, type ListenSockets, openListenSockets } from './listen-sockets.ts';
import type { CheckedCertificate } from './server-certificate.ts';
import { Sources } from './sources.ts';
import { Staples } from './staples.ts';
import { GatewayStartError } from './start-error.ts';
import { Workforce } from './workforce.ts';

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
  readonly #port: PrimaryPort;
  readonly #log: OperatorLog;
  readonly #workers: Workforce;
  readonly #giveUp = new AbortController();
  #options: GatewayOptions;
  #config: GatewayConfig;
  #sockets: ListenSockets = new Map();
  /** The last good CRLs on disk; undefined where there is no folder for state. */
  readonly #crlStore: CrlStore | undefined;
  readonly #staples: Staples;
  #sources: Sources | undefined;
  #link: AuthorityLink | undefined;
  #admin: AdminServer | undefined;
  #stopping: Promise<void> | undefined;
  /** One reload at a time. */
  #reloading: Promise<unknown> = Promise.resolve();

  /**
   * Starts a gateway; resolves when every worker accepts connections.
   *
   * @throws GatewayConfigError, GatewayStartError, TrustError, SdkError
   */
  static async start(options: GatewayOptions, port: PrimaryPort): Promise<Primary> {
    if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
      const message = 'NODE_TLS_REJECT_UNAUTHORIZED=0 disarms TLS in this process; unset it';
      throw new GatewayStartError('tls_disarmed', message);
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
    const { stateDir } = this.#config;
    this.#crlStore =
      stateDir === undefined
        ? undefined
        : new CrlStore(join(stateDir, 'crls'), (error) => this.#log.error(error.message));
    this.#staples = new Staples({
      now: () => port.now(),
      random: Math.random,
      folder: stateDir === undefined ? undefined : join(stateDir, 'staples'),
      onStaple: (staple) => this.#workers.staple(staple),
      info: (message) => this.#log.info(message),
      warn: (message) => this.#log.warn(message),
      shout: (message) => this.#log.error(message),
    });
    this.#workers = new Workforce({
      restart: options.restart ?? true,
      sockets: () => this.#sockets,
      setup: () => ({
        config: this.#options.config,
        baseDir: this.#options.baseDir,
        certificates: this.#certificates(),
        trust: [...(this.#sources?.trust.standing() ?? []), ...(this.#link?.standing() ?? [])],
        staples: this.#staples.standing(),
      }),
      drainMs: () => this.#config.drainMs,
      ownMetrics: createPrimaryMetrics(this.#facts()),
      onReady: (pid) => port.onWorker(pid, this.listen.gateway),
      onIntermediates: (certificates) => this.#sources?.trust.learn(certificates),
      askStatus: async (bundle, questions, signal) => this.#sources?.trust.ask(bundle, questions, signal),
      log: this.#log,
    });
  }

  get listen(): GatewayListen {
    const addresses = this.#config.listeners.map(({ id, address }) => this.#sockets.get(id)?.address ?? address);
    return { gateway: addresses.map(formatAddress), admin: this.#admin?.address };
  }

  /**
   * Takes another configuration: new workers serve by it, those of before finish what is under way, and connections that the
   * new rules do not admit end at once. When anything of it cannot be used, nothing changes.
   *
   * @throws GatewayConfigError, GatewayStartError, TrustError
   */
  reload(options: Pick<GatewayOptions, 'config' | 'baseDir'>): Promise<void> {
    const result = this.#reloading.then(() => this.#reload(options));
    this.#reloading = result.catch(() => undefined);
    return result;
  }

  /**
   * Stops: accepts no more, serves what is accepted, and ends the workers. Asked again, it gives the same end.
   *
   * @param drainMs - how long requests under way may take; the configuration's when absent
   */
  stop(drainMs: number = this.#config.drainMs): Promise<void> {
    // A signal to the whole group comes twice, by the group and by the supervisor: both wait for the same end.
    this.#stopping ??= this.#stop(drainMs);
    return this.#stopping;
  }

  async #stop(drainMs: number): Promise<void> {
    this.#giveUp.abort();
    // The primary's hold goes first: the workers then close at a moment at which they see that nobody is waiting.
    for (const socket of this.#sockets.values()) socket.close();
    await this.#workers.stop(drainMs);
    this.#sources?.stop();
    this.#link?.stop();
    this.#staples.stop();
    await this.#crlStore?.settled();
    await this.#sources?.trust.settled();
    await this.#staples.settled();
    this.#admin?.close();
  }

  async #start(): Promise<void> {
    const config = this.#config;
    for (const warning of config.warnings) this.#log.warn(warning);
    checkUpstreams(config);
    await testPresentedChain(this.#port.now());
    this.#sockets = await openListenSockets(config.listeners);
    this.#sources = await this.#openSources(config);
    if (config.admin !== undefined) {
      const { listen, authorityMetrics } = config.admin;
      this.#admin = await startAdminServer(listen, {
        metrics: () => this.#metrics(authorityMetrics),
        notReady: () => this.#notReady(),
      });
    }
    await this.#openLink();
    await this.#followStaples();
    await this.#workers.start(workerCount(config));
  }

  async #reload(options: Pick<GatewayOptions, 'config' | 'baseDir'>): Promise<void> {
    const config = compileConfig(options.config, options.baseDir);
    for (const part of ['authority', 'admin', 'stateDir'] as const) {
      if (JSON.stringify(config[part]) === JSON.stringify(this.#config[part])) continue;
      throw new GatewayStartError('restart_needed', `${part} cannot change while the gateway runs; restart it`);
    }
    checkUpstreams(config);
    const sources = await this.#openSources(config);
    let sockets: ListenSockets;
    try {
      sockets = await openListenSockets(config.listeners, this.#sockets);
      await this.#link?.obtainCertificates(config);
    } catch (error) {
      sources.stop();
      throw error;
    }
    for (const warning of config.warnings) this.#log.warn(warning);
    const before = { sources: this.#sources, sockets: this.#sockets };
    this.#options = { ...this.#options, ...options };
    this.#config = config;
    this.#sources = sources;
    this.#sockets = sockets;
    before.sources?.stop();
    await this.#followStaples();
    await this.#workers.replaceAll(workerCount(config));
    this.#pruneStaples();
    closeUnused(before.sockets, sockets);
    this.#log.info('the configuration was taken in');
  }

  #openSources(config: GatewayConfig): Promise<Sources> {
    return Sources.open(config, {
      now: () => this.#port.now(),
      random: Math.random,
      log: this.#log,
      crlStore: this.#crlStore,
      ocspFolder: config.stateDir === undefined ? undefined : join(config.stateDir, 'ocsp'),
      before: this.#sources,
      intermediates: this.#workers.intermediates,
      onCertificate: (certificate) => void this.#show(certificate),
      onTrust: (update) => {
        // Revocations are asked of every resumed session anyway; other CAs make another verdict of the same certificate.
        if (update.kind === 'bundle') this.#workers.renewTicketKeys();
        void this.#workers.tell(update);
      },
    });
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
        tell: (update) => this.#workers.tell(update),
        workers: () => this.#workers.size,
        onCertificate: (certificate) => void this.#show(certificate),
        onBundle: () => this.#workers.renewTicketKeys(),
      },
      this.#giveUp.signal,
    );
  }

  async #followStaples(): Promise<void> {
    const certificates = this.#certificates();
    await this.#staples.follow(this.#config.stapling, certificates);
    await Promise.all(certificates.map((certificate) => this.#staples.ready(certificate)));
  }

  async #show(certificate: CheckedCertificate): Promise<void> {
    await this.#staples.follow(this.#config.stapling, [certificate]);
    await this.#staples.ready(certificate);
    // Another may have taken its place while its response was waited for.
    if (this.#certificates().includes(certificate)) this.#workers.showCertificate(certificate);
    this.#pruneStaples();
  }

  #pruneStaples(): void {
    this.#staples.keepOnly(this.#config.stapling === undefined ? [] : this.#certificates());
  }

  #certificates(): readonly CheckedCertificate[] {
    return [...(this.#sources?.certificates ?? []), ...(this.#link?.certificates ?? [])];
  }

  #facts(): PrimaryFacts {
    return {
      workers: () => this.#workers.accepting,
      feedLagSeconds: () => {
        const freshAt = this.#link?.freshAt;
        return freshAt === undefined ? undefined : Math.max(0, this.#port.now() - freshAt) / 1000;
      },
      feedConnected: () => (this.#config.authority === undefined ? undefined : (this.#link?.connected ?? false)),
      certificates: () => [
        ...this.#certificates().map(({ id, notAfter }) => ({ role: 'server', name: id, notAfter })),
        ...(this.#link?.ends() ?? []),
      ],
      now: () => this.#port.now(),
      crls: () => this.#sources?.trust.crls() ?? [],
      crlSources: () => this.#sources?.trust.crlSources() ?? [],
      ocsp: () => this.#sources?.trust.ocsp() ?? [],
      staples: () => this.#staples.facts(),
    };
  }

  async #metrics(withAuthority: boolean): Promise<string> {
    const own = this.#workers.metrics();
    const authority = withAuthority ? this.#link?.metrics() : undefined;
    return (await own) + ((await authority) ?? '');
  }

  /** Why clients would not be admitted; undefined when they would. */
  #notReady(): string | undefined {
    if (this.#stopping !== undefined) return 'stopping';
    if (this.#config.authority !== undefined && this.#link === undefined) return 'waiting for the authority';
    if (this.#workers.accepting === 0) return 'no worker accepts connections';
    if (this.#link !== undefined && this.#link.freshAt === undefined) return 'there is no trust state yet';
    return undefined;
  }
}

/** What a worker would find wrong with upstreams and routes, found before there is one. */
function checkUpstreams(config: GatewayConfig): void {
  const upstreams = new Upstreams();
  for (const listener of config.listeners) createPolicies(listener, upstreams);
}

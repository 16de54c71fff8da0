import { parseCertificate, pemDecode } from '@countersign/pki';
import {
  type Accepted,
  anchorOf,
  FeedState,
  IntermediateStore,
  isBeyond,
  LiveRegister,
  nodeCrypto,
  TrustState,
} from '@countersign/trust';
import type { GatewayConfig } from '../config/config.ts';
import { bundleOf, type BundleSources, createSources, setIssuers } from '../revocation/bundle-sources.ts';
import type { StatusQuestionData } from './messages.ts';
import { questionsOf, StatusDue } from './status-due.ts';
import type { TrustUpdate } from './trust-update.ts';

/** How often expiry is looked at. */
const SWEEP_MS = 250;
/** How often everything else that time alone can change is asked of each connection. */
const RESTAND_MS = 5000;

export interface WorkerTrustOptions {
  readonly config: GatewayConfig;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly seed: number;
  /** An intermediate was verified that was not known here. */
  readonly onIntermediate: (der: Uint8Array) => void;
  /** Something that an operator must hear. */
  readonly alarm: (message: string) => void;
  /** A path was let through although its news is too old, because its source is `soft`. */
  readonly onSoft: (source: string) => void;
  /** News about certificates in use should be renewed; nobody waits. */
  readonly onDue: (bundle: string, questions: readonly StatusQuestionData[]) => void;
}

/** What a connection must wait for. */
export interface Awaited {
  readonly bundle: string;
  readonly questions: readonly StatusQuestionData[];
  /** Milliseconds. */
  readonly withinMs: number;
}

/** The trust of one worker: its state, its live connections, and how news changes both. */
export class WorkerTrust {
  readonly state: TrustState;
  readonly register: LiveRegister;
  readonly #options: WorkerTrustOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #sources: ReadonlyMap<string, BundleSources>;
  readonly #due: StatusDue;
  #feed: FeedState | undefined;
  #wasBeyond = false;

  constructor(options: WorkerTrustOptions) {
    this.#options = options;
    this.state = new TrustState({
      intermediates: new IntermediateStore(),
      onIntermediate: options.onIntermediate,
      onSoft: (source) => options.onSoft(source.name),
    });
    this.register = new LiveRegister({
      rules: this.state,
      now: options.now,
      onEndFailed: (error) => options.alarm(`a connection could not be ended: ${String(error)}`),
    });
    const isPinned = ({ issuerKeyHash, serialHex }: { issuerKeyHash: string; serialHex: string }) =>
      this.register.has(issuerKeyHash, serialHex);
    this.#sources = new Map(
      Array.from(options.config.bundles, ([name, bundle]) => [name, createSources(bundle, { isPinned })]),
    );
    this.#due = new StatusDue(this.state, options.onDue);
    this.#setPolicies(options.config);
  }

  /** The rules have changed: live connections are judged by them from now on, and ended where they no longer stand. */
  replacePolicies(config: GatewayConfig): void {
    this.#setPolicies(config);
    this.#rejudge();
  }

  #setPolicies(config: GatewayConfig): void {
    const hosts = config.listeners.flatMap((listener) => listener.hosts);
    this.state.setPolicies(hosts.map((host) => ({ id: host.key, bundles: host.trust, allow: host.permits })));
  }

  /** All bundles that there can be. */
  get bundleNames(): readonly string[] {
    return [...this.#options.config.bundles.keys(), ...(this.#options.config.authority === undefined ? [] : ['own'])];
  }

  /** Starts the sweeps of the wall clock. */
  start(): void {
    this.#timers.push(
      setInterval(() => this.#sweep(), SWEEP_MS),
      setInterval(() => {
        this.register.restand();
        this.#lookAhead();
      }, RESTAND_MS),
    );
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Takes one piece of news in; when this returns, whom it shuts out is out. True when CAs have changed. */
  apply(update: TrustUpdate): boolean {
    const { generation } = this.state;
    this.#take(update);
    return this.state.generation !== generation;
  }

  #take(update: TrustUpdate): void {
    switch (update.kind) {
      case 'bundle': {
        const bundle = bundleOf(update);
        const sources = this.#sources.get(update.name);
        setIssuers(sources?.crls, update);
        this.state.setBundle(bundle, sources?.source);
        this.#rejudge();
        break;
      }
      case 'authority':
        this.#feed = new FeedState({
          anchors: pemDecode(update.roots).map((block) => anchorOf(parseCertificate(block.der))),
          crypto: nodeCrypto,
          staleness: update.staleness,
          bundleName: 'own',
          seed: this.#options.seed,
        });
        break;
      case 'feed':
        this.#applyFeed(update);
        break;
      case 'carried':
        this.#feed?.carry(update.revocations);
        this.register.restand();
        break;
      case 'fresh':
        this.#feed?.confirm(update.at);
        break;
      case 'crl':
        this.#applyCrl(update);
        break;
      case 'ocsp':
        this.#applyAnswers(update);
        break;
    }
  }

  /** What should be known of a path before it is relied on, and can be asked for; undefined: nothing. */
  awaited(verdict: Accepted, now: number): Awaited | undefined {
    const places = this.state.wanted(verdict, now);
    if (places.length === 0) return undefined;
    const { bundle } = verdict;
    const withinMs = this.#options.config.bundles.get(bundle)?.revocation.waitMs ?? 0;
    return { bundle, questions: questionsOf(verdict, places, this.state), withinMs };
  }

  /** Whether OCSP responders have a say about a path. */
  isAsking({ bundle }: Accepted): boolean {
    return this.#sources.get(bundle)?.ocsp !== undefined;
  }

  /** A connection was admitted: what it rests on is renewed ahead of its end. */
  admitted(verdict: Accepted): void {
    this.#due.look([verdict], this.#options.now());
  }

  /** Takes in intermediates that other workers have verified. */
  learn(certificates: readonly Uint8Array[]): void {
    for (const der of certificates) this.state.learn(der);
  }

  #applyFeed({ event, receivedAt }: Extract<TrustUpdate, { kind: 'feed' }>): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    const outcome = feed.apply(event, this.#options.now(), receivedAt);
    if (!outcome.ok) {
      // The primary has applied the same line to the same state: this cannot be, and a worker that knows less must not go on.
      throw outcome.error;
    }
    for (const key of outcome.revoked) this.register.revoked(key.issuerKeyHash, key.serialHex);
    if (outcome.bundle !== undefined) {
      this.state.setBundle(outcome.bundle, feed);
      this.#rejudge();
    }
    if (outcome.replaced) this.register.restand();
  }

  #applyCrl({ bundle, source, der }: Extract<TrustUpdate, { kind: 'crl' }>): void {
    try {
      this.#sources.get(bundle)?.crls?.offer(der, source, this.#options.now());
      this.register.restand();
    } catch (error) {
      // The primary took it a moment ago; what it knew by an intermediate, this worker may not know yet.
      this.#options.alarm(`bundle ${bundle}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #applyAnswers({ bundle, answers }: Extract<TrustUpdate, { kind: 'ocsp' }>): void {
    const known = this.#sources.get(bundle)?.ocsp?.answers;
    for (const answer of answers) {
      if (known?.put(answer) !== true || answer.status !== 'revoked') continue;
      this.register.revoked(answer.issuerKeyHash, answer.serialHex);
    }
  }

  #lookAhead(): void {
    const isAsking = [...this.#sources.values()].some(({ ocsp }) => ocsp !== undefined);
    if (isAsking) this.#due.look(this.register.verdicts(), this.#options.now());
  }

  #rejudge(): void {
    this.register.rejudge().catch((error: unknown) => {
      this.#options.alarm(`connections could not be judged anew, so all are ended: ${String(error)}`);
      this.register.endAll('untrusted_issuer');
    });
  }

  #sweep(): void {
    const now = this.#options.now();
    this.register.sweep(now);
    const coverage = this.#feed?.coverage();
    const beyond =
      this.#feed !== undefined &&
      coverage?.kind === 'loaded' &&
      isBeyond(coverage.freshUntil, this.#feed.staleness, now);
    if (beyond && !this.#wasBeyond) this.register.restand(now);
    this.#wasBeyond = beyond;
  }
}

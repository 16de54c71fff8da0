import { parseCertificate, pemDecode } from '@countersign/pki';
import type { Accepted } from '../verdict/verdict.ts';
import { anchorOf } from '../bundle/bundle.ts';
import { FeedState } from '../feed/feed-state.ts';
import type { FeedApplied } from '../feed/feed-state.ts';
import { IntermediateStore } from '../state/intermediate-store.ts';
import { isBeyond } from '../state/revocation-source.ts';
import { LiveRegister } from './live-register.ts';
import { nodeCrypto } from '../crypto/node-crypto.ts';
import { TrustState } from '../state/trust-state.ts';
import type { BundleSettings } from '../sources/settings.ts';
import type { VerdictPolicy } from '../verdict/policy.ts';
import { bundleOf, type BundleSources, createSources, setIssuers } from '../sources/bundle-sources.ts';
import { questionsOf, StatusDue } from './status-due.ts';
import type { StatusQuestionData } from './status-due.ts';
import type { TrustUpdate } from '../sources/trust-update.ts';

/** How often expiry is looked at. */
const SWEEP_MS = 250;
/** How often everything else that time alone can change is asked of each connection. */
const RESTAND_MS = 5000;

export interface LiveTrustOptions {
  readonly bundles: ReadonlyMap<string, BundleSettings>;
  readonly policies: readonly VerdictPolicy[];
  /** There is an authority, whose feed makes the bundle `own`. */
  readonly hasFeed: boolean;
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

/** The trust of one process that judges: its state, its live connections, and how news changes both. */
export class LiveTrust {
  readonly state: TrustState;
  readonly register: LiveRegister;
  readonly #options: LiveTrustOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #sources: ReadonlyMap<string, BundleSources>;
  readonly #due: StatusDue;
  #feed: FeedState | undefined;
  #wasBeyond = false;

  constructor(options: LiveTrustOptions) {
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
      Array.from(options.bundles, ([name, bundle]) => [name, createSources(bundle, { isPinned })]),
    );
    this.#due = new StatusDue(this.state, options.onDue);
    this.state.setPolicies(options.policies);
  }

  /** The rules have changed: live connections are judged by them from now on, and ended where they no longer stand. */
  replacePolicies(policies: readonly VerdictPolicy[]): void {
    this.state.setPolicies(policies);
    this.#rejudge();
  }

  /** All bundles that there can be. */
  get bundleNames(): readonly string[] {
    return [...this.#options.bundles.keys(), ...(this.#options.hasFeed ? ['own'] : [])];
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
    // What is judged keeps the process alive, not the judging.
    for (const timer of this.#timers) timer.unref();
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
    const withinMs = this.#options.bundles.get(bundle)?.revocation.waitMs ?? 0;
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

  /** Takes in intermediates that others have verified. */
  learn(certificates: readonly Uint8Array[]): void {
    for (const der of certificates) this.state.learn(der);
  }

  #applyFeed({ event, receivedAt }: Extract<TrustUpdate, { kind: 'feed' }>): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    const outcome = feed.apply(event, this.#options.now(), receivedAt);
    if (!outcome.ok) {
      // Who follows the feed has applied the same line to the same state: this cannot be, and a judge that knows less must not go on.
      throw outcome.error;
    }
    this.feedApplied(feed, outcome);
  }

  /** Takes over a feed that is followed in this process: it is asked as it is, and nothing of it is kept twice. */
  useFeed(feed: FeedState): void {
    this.#feed = feed;
    if (feed.bundle === undefined) return;
    this.state.setBundle(feed.bundle, feed);
    this.#rejudge();
  }

  /** A line of the feed was applied; when this returns, whom it shuts out is out. */
  feedApplied(feed: FeedState, outcome: FeedApplied): void {
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
      // Who follows the list took it a moment ago; an intermediate that he knew it by may not be known here yet.
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

import { verifyOcspResponse } from '@countersign/pki';

import { wakeByTimer } from '../crl/follow-crl.ts';
import { askResponders } from './ask-responders.ts';
import type { AskOutcome, AskPort, OcspPolicy, StatusQuestion } from './ask-responders.ts';

/** Beyond this a client of OpenSSL refuses the handshake in TLS 1.2: the message must fit into one record. */
const MAX_STAPLE_OCTETS = 16_000;
/** A revocation of the server's own certificate should reach its clients the same day. */
const EVERY_MS = 3_600_000;
const SHORTEST_PAUSE_MS = 1000;
const FIRST_RETRY_MS = 5000;
const LAST_RETRY_MS = 10 * 60_000;
/** How long a certificate that must be stapled waits for its first response before it is shown all the same. */
const MUST_STAPLE_WAIT_MS = 10_000;

/** The OCSP response that a server shows along with its certificate (RFC 6066 section 8, RFC 8446 section 4.4.2.1). */
export interface Staple {
  readonly der: Uint8Array;
  readonly status: 'good' | 'revoked';
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** The moment from which it must not be shown any more, milliseconds since the epoch. */
  readonly freshUntil: number;
}

export interface StapleKeeperOptions {
  /** The server's own certificate, its issuer, and whom to ask. */
  readonly question: StatusQuestion;
  readonly port: AskPort;
  /** For one responder, milliseconds; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  /** A number from 0 to 1: spreads the questions of many servers. */
  readonly random: () => number;
  /** Longest sleep between two looks at the wall clock, which may be stepped; milliseconds. */
  readonly lookEveryMs?: number | undefined;
  /** Wakes after a pause in milliseconds; the timer of the process by default. */
  readonly wakeAfter?: ((ms: number, wake: () => void) => { stop(): void }) | undefined;
  /** There is another response; undefined: the last one has ended. */
  readonly onStaple: (staple: Staple | undefined) => void;
  /** There is no new response, and why: told once, until there is one again. */
  readonly onProblem: (problem: string) => void;
}

/**
 * Keeps the OCSP response of a server's own certificate at hand: asked for at once, again ahead of its end, after failures with
 * back-off. While responders are dead, the last good one goes on serving until its own end; one that is older than what is at hand
 * is a replay and none.
 *
 * @example
 * const keeper = new StapleKeeper({ question: { certificate, issuer, responders }, port, random, onStaple, onProblem });
 * await keeper.first;
 * server.on('OCSPRequest', (_certificate, _issuer, callback) => callback(null, keeper.current?.der));
 */
export class StapleKeeper {
  readonly #options: StapleKeeperOptions;
  readonly #policy: OcspPolicy;
  readonly #abort = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #staple: Staple | undefined;
  #timer: { stop(): void } | undefined;
  #nextAt = 0;
  #failures = 0;
  #told = false;

  /** @param kept a response of before a restart; used where it holds still. */
  constructor(options: StapleKeeperOptions, kept?: Uint8Array) {
    this.#options = options;
    this.#policy = {
      // Its readers have not sent a nonce, and without one the answer may come out of a cache.
      nonce: 'off',
      timeoutMs: options.timeoutMs ?? 10_000,
      trustedResponders: [],
      // Clients judge by their own rules; what they could not verify is still theirs to refuse.
      responderStatus: () => 'good',
    };
    if (kept !== undefined) this.#resume(kept);
    void this.#attempt();
  }

  /** Resolves when there is a response to show, or none could be had at the first try. */
  get first(): Promise<void> {
    return this.current === undefined ? this.#first.promise : Promise.resolve();
  }

  /**
   * Resolves when the certificate can be shown: at once, but for one that says of itself that it comes with a response (RFC 7633), which
   * waits for {@link first} for up to ten seconds, because strict clients would have none of it.
   */
  async showable(): Promise<void> {
    if (!this.#options.question.certificate.mustStaple) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = wakeByTimer(MUST_STAPLE_WAIT_MS, resolve);
    await Promise.race([this.first, late]);
    timer.stop();
  }

  /** The response to show now. */
  get current(): Staple | undefined {
    const staple = this.#staple;
    return staple !== undefined && this.#options.port.now() < staple.freshUntil ? staple : undefined;
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.stop();
    this.#first.resolve();
  }

  async #attempt(): Promise<void> {
    const { question, port } = this.#options;
    let outcome: AskOutcome;
    try {
      outcome = await askResponders(question, this.#policy, port, this.#abort.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      outcome = { kind: 'none', problem: 'ocsp_malformed', detail: String(error) };
    }
    if (this.#abort.signal.aborted) return;
    const problem = this.#take(outcome);
    const now = port.now();
    if (problem === undefined) {
      this.#failures = 0;
      this.#told = false;
      this.#nextAt = now + this.#pauseBeforeEnd(now);
    } else {
      this.#failures += 1;
      this.#nextAt = now + this.#pauseAfterFailure();
      if (!this.#told) this.#options.onProblem(problem);
      this.#told = true;
    }
    this.#first.resolve();
    this.#sleep();
  }

  /** Puts an answer to use; gives why it is none. */
  #take(outcome: AskOutcome): string | undefined {
    if (outcome.kind === 'unknown') return 'the responder does not know the certificate';
    if (outcome.kind === 'none') return outcome.detail;
    const { der, result, freshUntil } = outcome;
    if (der.length > MAX_STAPLE_OCTETS) return `the response of ${der.length} octets is too large to be stapled`;
    const { status, thisUpdate } = result;
    const { current } = this;
    // A replay, or a cache that lags behind: what is at hand is the better one.
    if (current !== undefined && thisUpdate < current.thisUpdate) return undefined;
    this.#use({ der, status, thisUpdate, freshUntil });
    return undefined;
  }

  #use(staple: Staple | undefined): void {
    this.#staple = staple;
    this.#options.onStaple(staple);
  }

  #resume(der: Uint8Array): void {
    const { question, port } = this.#options;
    const { certificate, issuer } = question;
    const result = verifyOcspResponse(der, { certificate, issuer, time: port.now(), crypto: port.crypto });
    if (result.status === 'unknown' || result.nextUpdate === undefined) return;
    const { status, thisUpdate, staleAt } = result;
    this.#use({ der, status, thisUpdate, freshUntil: staleAt });
  }

  /** A third of what is left: several attempts fit in before the end. */
  #pauseBeforeEnd(now: number): number {
    const left = (this.#staple?.freshUntil ?? now) - now;
    const spread = 0.9 + 0.2 * this.#options.random();
    return Math.max(Math.min(EVERY_MS, left / 3) * spread, SHORTEST_PAUSE_MS);
  }

  #pauseAfterFailure(): number {
    const doubled = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 16), LAST_RETRY_MS);
    return doubled * (0.5 + this.#options.random() / 2);
  }

  #sleep(): void {
    const { port, lookEveryMs = 60_000, wakeAfter = wakeByTimer } = this.#options;
    const end = this.#staple?.freshUntil ?? Infinity;
    const pause = Math.min(Math.max(Math.min(this.#nextAt, end) - port.now(), 0), lookEveryMs);
    this.#timer = wakeAfter(pause, () => {
      if (this.#staple !== undefined && this.current === undefined) this.#use(undefined);
      if (port.now() >= this.#nextAt) void this.#attempt();
      else this.#sleep();
    });
  }
}

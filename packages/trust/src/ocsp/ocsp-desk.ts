import { keyHash } from '../verdict/key-hash.ts';
import type { AskOutcome, StatusQuestion } from './ask-responders.ts';
import type { OcspAnswer, OcspAnswers } from './ocsp-answers.ts';

/** Questions under way at once. */
const MAX_FLIGHTS = 1024;
/** Certificates for which nobody had an answer lately. */
const MAX_RESTING = 10_000;
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 60_000;
/** How long not to be known is believed: who was issued a moment ago is known a moment later. */
const UNKNOWN_MS = 60_000;
const MIN_REFRESH_MS = 1000;

export interface OcspDeskOptions {
  /** Where answers are kept. */
  readonly answers: OcspAnswers;
  /** Asks: `askResponders` with its policy and port. Rejects only with the signal's reason. */
  readonly ask: (question: StatusQuestion, signal: AbortSignal) => Promise<AskOutcome>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** A number from 0 to 1: spreads the questions of many gateways. */
  readonly random: () => number;
  /** How often an answer is asked for again, milliseconds; in any case well before its end. */
  readonly everyMs: number;
  /** There is news about a certificate, or somebody has asked for what is known already. */
  readonly onAnswer: (answer: OcspAnswer) => void;
  /** What a question came to, for metrics: a status, `replayed`, `overload`, or a problem. */
  readonly onOutcome?: ((outcome: string) => void) | undefined;
}

interface Flight {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  /** Those who would miss the answer. */
  waiters: number;
}

/**
 * Asks OCSP responders for everybody: one question at a time for each certificate, however many wait for its answer; given up
 * when nobody does. After a failure a certificate is not asked for again for a while, growing with each, and those who come
 * meanwhile do not wait.
 */
export class OcspDesk {
  readonly #options: OcspDeskOptions;
  readonly #flights = new Map<string, Flight>();
  readonly #resting = new Map<string, { failures: number; until: number }>();
  #isStopped = false;

  constructor(options: OcspDeskOptions) {
    this.#options = options;
  }

  /** Questions under way. */
  get flights(): number {
    return this.#flights.size;
  }

  /**
   * Asks for the status of a certificate. Resolves when the answer is among the answers, or none is to be had; never rejects.
   *
   * @param signal the one who waits has left: when nobody else waits, the question is given up.
   */
  async ask(question: StatusQuestion, signal?: AbortSignal): Promise<void> {
    if (this.#isStopped || signal?.aborted === true) return;
    const key = keyOf(question);
    const known = this.#knownOf(question);
    if (known !== undefined && this.#options.now() < known.refreshAt) {
      // Whoever asks has not heard of it yet, or has forgotten it.
      this.#options.onAnswer(known);
      return;
    }
    const flight = this.#flights.get(key) ?? this.#start(key, question);
    if (flight === undefined) return;
    flight.waiters += 1;
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const leave = (): void => resolve();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([flight.done, left]);
    } finally {
      signal?.removeEventListener('abort', leave);
      flight.waiters -= 1;
      if (flight.waiters === 0) this.#giveUp(key, flight);
    }
  }

  /** Gives up everything. */
  stop(): void {
    this.#isStopped = true;
    for (const { abort } of this.#flights.values()) abort.abort();
  }

  #knownOf(question: StatusQuestion): OcspAnswer | undefined {
    const { issuerKeyHash, serialHex } = named(question);
    return this.#options.answers.get(issuerKeyHash, serialHex);
  }

  #start(key: string, question: StatusQuestion): Flight | undefined {
    const rest = this.#resting.get(key);
    if (rest !== undefined && this.#options.now() < rest.until) return undefined;
    if (this.#flights.size >= MAX_FLIGHTS) {
      this.#options.onOutcome?.('overload');
      return undefined;
    }
    const abort = new AbortController();
    const done = this.#options
      .ask(question, abort.signal)
      .then((outcome) => this.#take(key, question, outcome))
      // Given up: there is nothing to learn from that.
      .catch(() => undefined)
      .finally(() => this.#giveUp(key, flight));
    const flight: Flight = { done, abort, waiters: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  /** Who comes from now on begins anew. */
  #giveUp(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.abort.abort();
  }

  #take(key: string, question: StatusQuestion, outcome: AskOutcome): void {
    const { answers, onAnswer, onOutcome } = this.#options;
    if (outcome.kind === 'none') {
      onOutcome?.(outcome.problem);
      // A responder that rests comes back by its own measure.
      if (outcome.problem !== 'resting') this.#rest(key);
      return;
    }
    const answer = outcome.kind === 'unknown' ? this.#unknown(question) : this.#known(question, outcome);
    if (answer === undefined || !answers.put(answer)) {
      onOutcome?.(outcome.kind === 'unknown' ? 'unknown' : 'replayed');
      this.#rest(key);
      return;
    }
    this.#resting.delete(key);
    onOutcome?.(answer.status);
    onAnswer(answer);
  }

  #known(question: StatusQuestion, { result, freshUntil }: Extract<AskOutcome, { kind: 'answer' }>): OcspAnswer {
    const now = this.#options.now();
    const random = this.#options.random();
    const untilRefresh = Math.min(
      (freshUntil - now) * (0.5 + 0.25 * random),
      this.#options.everyMs * (0.9 + 0.2 * random),
    );
    return {
      ...named(question),
      status: result.status,
      reason: result.status === 'revoked' ? (result.reason ?? 'unspecified') : undefined,
      revokedAt: result.status === 'revoked' ? result.revocationTime : undefined,
      thisUpdate: result.thisUpdate,
      producedAt: result.producedAt,
      freshUntil,
      refreshAt: now + Math.max(untilRefresh, MIN_REFRESH_MS),
    };
  }

  /**
   * Not to be known undoes nothing that was signed: an answer that is current stays, and so does a revocation. It has no time
   * of its own that could be compared.
   */
  #unknown(question: StatusQuestion): OcspAnswer | undefined {
    const now = this.#options.now();
    const name = named(question);
    const known = this.#knownOf(question);
    if (known?.status === 'revoked' || (known?.status === 'good' && now <= known.freshUntil)) return undefined;
    const { thisUpdate, producedAt } = known ?? { thisUpdate: 0, producedAt: 0 };
    const end = now + UNKNOWN_MS;
    const times = { thisUpdate, producedAt, freshUntil: end, refreshAt: end };
    return { ...name, status: 'unknown', reason: undefined, revokedAt: undefined, ...times };
  }

  #rest(key: string): void {
    const failures = (this.#resting.get(key)?.failures ?? 0) + 1;
    const ms = Math.min(FIRST_REST_MS * 2 ** Math.min(failures - 1, 16), LONGEST_REST_MS);
    this.#resting.delete(key);
    this.#resting.set(key, { failures, until: this.#options.now() + ms * (0.9 + 0.2 * this.#options.random()) });
    if (this.#resting.size <= MAX_RESTING) return;
    const [oldest = ''] = this.#resting.keys();
    this.#resting.delete(oldest);
  }
}

function named({ certificate, issuer }: StatusQuestion): Pick<OcspAnswer, 'issuerKeyHash' | 'serialHex' | 'notAfter'> {
  const { serialHex, notAfter } = certificate;
  return { issuerKeyHash: keyHash(issuer.spki), serialHex, notAfter };
}

function keyOf(question: StatusQuestion): string {
  const { issuerKeyHash, serialHex } = named(question);
  return `${issuerKeyHash}:${serialHex}`;
}

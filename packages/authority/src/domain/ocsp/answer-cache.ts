import type { CertificateState } from '../ports.ts';
import type { Responder } from './responders.ts';
import type { AnswerStatus } from './sign-answers.ts';

/** A signed answer about one certificate that anybody may have. Times are milliseconds since the epoch. */
export interface Answer {
  readonly status: AnswerStatus;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly etag: string;
  /** The octets up to the responder's certificate, one character each; see `bodyOf`. */
  readonly head: string;
  readonly tail: AnswerTail;
}

/** With what all answers of one responder end: its certificate. Kept once. */
export interface AnswerTail {
  readonly responder: Responder;
  readonly octets: string;
}

/** The octets of an answer, one character each (latin1). */
export function bodyOf({ head, tail }: Answer): string {
  return head + tail.octets;
}

interface Entry {
  state: CertificateState;
  /** When the store was asked, milliseconds since the epoch. */
  readAt: number;
  /** By request. */
  readonly answers: Map<string, Answer>;
  bytes: number;
  /** Asked for since the hand of the clock last came by. */
  used: boolean;
}

/** What a Map's slot, the objects and the strings' own heads take, roughly and on the safe side. */
const entryOverhead = 400;
const answerOverhead = 500;

/** Changes are told by the feed; that one should be missed is not believed for longer than this. */
const stateLifetimeMs = 6 * 3_600_000;

/** How many are passed over for one that leaves at most: nobody waits for a walk over everything. */
const sparedAtOnce = 64;

/**
 * What is known and signed, bounded in octets. What was not asked for longest leaves first, roughly (the clock algorithm): being asked
 * for costs nothing but a mark.
 */
export class AnswerCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #byRequest = new Map<string, { readonly entry: Entry; readonly answer: Answer }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many answers there are. */
  get size(): number {
    return this.#byRequest.size;
  }

  get isNearlyFull(): boolean {
    return this.#bytes > this.#maxBytes * 0.9;
  }

  /** The answer to a request, whatever its times. */
  answer(request: string): Answer | undefined {
    const found = this.#byRequest.get(request);
    if (found === undefined) return undefined;
    found.entry.used = true;
    return found.answer;
  }

  /** What is known of the certificate that a request asks for, where it was asked for before; and who has answered. */
  known(request: string, now: number): { readonly state: CertificateState; readonly responder: Responder } | undefined {
    const found = this.#byRequest.get(request);
    if (found === undefined || Math.abs(now - found.entry.readAt) >= stateLifetimeMs) return undefined;
    found.entry.used = true;
    return { state: found.entry.state, responder: found.answer.tail.responder };
  }

  /** What the store said not long ago, and no change has been told of since. */
  state(key: string, now: number): CertificateState | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || Math.abs(now - entry.readAt) >= stateLifetimeMs) return undefined;
    entry.used = true;
    return entry.state;
  }

  rememberState(key: string, state: CertificateState, readAt: number): void {
    this.#put(key, state, readAt);
    this.#makeRoom();
  }

  rememberAnswer(key: string, state: CertificateState, readAt: number, request: string, answer: Answer): void {
    const entry = this.#put(key, state, readAt);
    this.drop(request);
    entry.answers.set(request, answer);
    this.#byRequest.set(request, { entry, answer });
    this.#grow(entry, answerBytes(request, answer));
    this.#makeRoom();
  }

  /** Drops one answer. */
  drop(request: string): void {
    const found = this.#byRequest.get(request);
    if (found === undefined) return;
    this.#grow(found.entry, -answerBytes(request, found.answer));
    found.entry.answers.delete(request);
    this.#byRequest.delete(request);
  }

  /** Forgets everything about a certificate. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    for (const request of entry.answers.keys()) this.#byRequest.delete(request);
    this.#bytes -= entry.bytes;
    this.#entries.delete(key);
  }

  /** Every answer with its request, while they may change. */
  *answers(): Iterable<readonly [string, Answer]> {
    for (const [request, { answer }] of this.#byRequest) yield [request, answer];
  }

  #put(key: string, state: CertificateState, readAt: number): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { state, readAt, answers: new Map(), bytes: 0, used: false };
      this.#entries.set(key, entry);
      this.#grow(entry, entryOverhead + key.length);
    }
    entry.state = state;
    entry.readAt = readAt;
    return entry;
  }

  #grow(entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    this.#bytes += bytes;
  }

  #makeRoom(): void {
    let spared = 0;
    while (this.#bytes > this.#maxBytes) {
      const [key, entry] = this.#entries.entries().next().value ?? [];
      if (key === undefined || entry === undefined) return;
      if (entry.used && spared < sparedAtOnce) {
        // Back to the end, for another round.
        spared += 1;
        entry.used = false;
        this.#entries.delete(key);
        this.#entries.set(key, entry);
      } else this.forget(key);
    }
  }
}

function answerBytes(request: string, { head, etag }: Answer): number {
  return answerOverhead + request.length + head.length + etag.length;
}

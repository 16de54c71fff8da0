import type { CaSet } from '../ca.ts';
import type { StoredFeedChange } from '../ports.ts';
import { expectedRequest } from './canonical-request.ts';
import type { OcspResponder } from './ocsp-responder.ts';
import type { ResponderContext } from './responders.ts';
import { subjectKey } from './subject.ts';
import type { Subject } from './subject.ts';

/** From which age on an answer is signed anew. */
const refreshMs = 6 * 3_600_000;

const pageSize = 500;

/** How long the event loop is kept at most before everybody else has a turn. */
const sliceMs = 2;

/** Changes that wait for their answers; beyond so many they are signed when somebody asks. */
const maxWaiting = 10_000;

export interface PresigningOptions {
  readonly responder: OcspResponder;
  readonly context: ResponderContext;
  /** Milliseconds that only go forward. */
  readonly elapsed: () => number;
  /** Resolves when everybody else has had a turn. */
  readonly turn: () => Promise<unknown>;
  /** Told of what failed; it is tried again in the next round, or signed when somebody asks. */
  readonly failed: (error: unknown) => void;
}

/**
 * Signs answers before anybody asks: those of changed certificates at once, those of every unexpired certificate (the newest first, as many
 * as the cache holds), and those that have become old. In the background, in slices.
 */
export class Presigning {
  readonly #options: PresigningOptions;
  readonly #waiting = new Map<
    string,
    { readonly subject: Subject; readonly done: () => void; promise: Promise<void> }
  >();
  #draining: Promise<void> | undefined;
  #round: Promise<void> | undefined;
  /** The last certificate whose answer was signed in bulk. */
  #upTo = 0;
  #sliceFrom = 0;
  #closed = false;

  constructor(options: PresigningOptions) {
    this.#options = options;
  }

  /** To be called with every change of the feed, in their order. */
  change(change: StoredFeedChange): void {
    if (change.type === 'bundle' || this.#closed) return;
    const { responder, failed } = this.#options;
    responder.changed(change);
    if (responder.responders.withdraw(change)) void responder.responders.keep().catch(failed);
    if (this.#waiting.size < maxWaiting) this.#enqueue(change);
  }

  /** Resolves when the answers about these certificates are signed as of their last change. */
  async settled(subjects: readonly Subject[]): Promise<void> {
    for (const subject of subjects) await this.#waiting.get(subjectKey(subject))?.promise;
  }

  /** Begins a round over everything, unless one is under way; to be called every minute or so. */
  begin(): void {
    if (this.#closed) return;
    this.#round ??= this.#runRound()
      .catch(this.#options.failed)
      .finally(() => {
        this.#round = undefined;
      });
  }

  /** Resolves when the round under way is over. */
  async idle(): Promise<void> {
    await this.#round;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#round, this.#draining]);
  }

  #enqueue({ issuer, serial }: Subject): void {
    const key = subjectKey({ issuer, serial });
    if (this.#waiting.has(key)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(key, { subject: { issuer, serial }, done: resolve, promise });
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    for (const [key, { subject, done }] of this.#waiting) {
      if (!this.#closed) await this.#sign(subject, 'anew').catch(this.#options.failed);
      this.#waiting.delete(key);
      done();
      await this.#pause();
    }
    // In the same turn in which there was nothing left: whatever comes next begins anew.
    this.#draining = undefined;
  }

  async #runRound(): Promise<void> {
    await this.#refresh();
    await this.#bulk();
  }

  async #refresh(): Promise<void> {
    const { responder } = this.#options;
    for (const [request, { thisUpdate }] of responder.cache.answers()) {
      if (this.#closed) return;
      if (this.#isOld(thisUpdate)) await responder.renew(request);
      await this.#pause();
    }
  }

  async #bulk(): Promise<void> {
    const { responder, context } = this.#options;
    let before = Number.MAX_SAFE_INTEGER;
    let newest = this.#upTo;
    for (;;) {
      const page = await context.store.certificateStates(before, context.clock(), pageSize);
      for (const { id, ...subject } of page) {
        if (this.#closed || id <= this.#upTo || responder.cache.isNearlyFull) {
          this.#upTo = newest;
          return;
        }
        newest = Math.max(newest, id);
        before = id;
        await this.#sign(subject, 'where it has none');
        await this.#pause();
      }
      if (page.length < pageSize) break;
    }
    this.#upTo = newest;
  }

  async #sign({ issuer, serial }: Subject, when: 'anew' | 'where it has none'): Promise<void> {
    const { responder, context } = this.#options;
    const cas: CaSet = context.cas();
    const ca = cas.issuing.find(({ keyHash }) => keyHash === issuer);
    if (ca === undefined) return;
    const request = expectedRequest(serial, ca, context.crypto);
    const answer = when === 'anew' ? undefined : responder.cache.answer(request);
    // Whoever asked before has it, and so have caches.
    const stands = answer !== undefined && !answer.tail.responder.withdrawn && !this.#isOld(answer.thisUpdate);
    if (!stands) await responder.renew(request);
  }

  #isOld(thisUpdate: number): boolean {
    return Math.abs(this.#options.context.clock() - thisUpdate) >= refreshMs;
  }

  async #pause(): Promise<void> {
    const { elapsed, turn } = this.#options;
    if (elapsed() - this.#sliceFrom < sliceMs) return;
    await turn();
    this.#sliceFrom = elapsed();
  }
}

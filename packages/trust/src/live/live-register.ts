import type { Accepted, Refused, Verdict } from '../verdict/verdict.ts';
import type { VerdictCode } from '../verdict/refusal-codes.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import type { Expiring } from './expiry-heap.ts';

/** What the register asks of the trust state; `TrustState` satisfies the first two. */
export interface LiveRules {
  /** The number of the trust state as it is now: bundles, rules and everything else that a verdict rests on. */
  readonly generation: number;
  /**
   * Whether an accepted verdict still stands at `now`: time, revocation and staleness, which are cheap to ask. A refusal
   * otherwise.
   */
  standing(verdict: Accepted, now: number): Refused | undefined;
  /** Judges a peer anew, from the certificates he showed, under the policy as it is now. */
  judge(verdict: Accepted, policyId: string, now: number): Verdict;
}

/** A connection that is open because of a verdict. */
export interface LiveHandle {
  /** The verdict that holds now: it changes when the peer is judged anew. */
  readonly verdict: Accepted;
  /** Why the register has ended the connection; undefined while it lives. */
  readonly ended: VerdictCode | undefined;
  /** The connection is over, for whatever reason: forget it. Harmless when called again. */
  close(): void;
}

export type Registration = { readonly ok: true; readonly handle: LiveHandle } | Refused;

export interface LiveRegisterOptions {
  readonly rules: LiveRules;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when a connection's `end` threw: the others are ended all the same. */
  readonly onEndFailed?: ((error: unknown) => void) | undefined;
  /** Lets other work run between two slices of a long re-judgement; `setImmediate` by default. */
  readonly yieldTurn?: (() => Promise<void>) | undefined;
}

/** How many connections are judged anew before other work gets its turn. */
const SLICE = 64;

/**
 * The open connections, under (issuer, serial) of every certificate of their paths. It ends those that no longer stand: on a
 * revocation, at the earliest notAfter of the path, on staleness, and when bundles or rules change.
 *
 * One per process; everything is synchronous except {@link rejudge}, so that no event is lost between two of its steps.
 */
export class LiveRegister {
  readonly #options: LiveRegisterOptions;
  readonly #byKey = new Map<string, Set<Entry>>();
  readonly #heap = new ExpiryHeap<Entry>();
  readonly #entries = new Set<Entry>();

  constructor(options: LiveRegisterOptions) {
    this.#options = options;
  }

  /** Number of live connections. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Registers a connection. What may have changed since the verdict is asked again, so that a revocation, or a new bundle,
   * between verdict and registration does not slip through: the answer may be a refusal.
   *
   * @param end called at most once, when the connection must end; never after `close()`, and never from within `add`.
   */
  add(verdict: Accepted, policyId: string, end: (reason: VerdictCode) => void): Registration {
    const now = this.#options.now();
    const current = this.#current(verdict, policyId, now);
    if (!current.ok) return current;
    const entry = new Entry(current, policyId, end, (gone) => this.#forget(gone));
    this.#enter(entry);
    return { ok: true, handle: entry };
  }

  /** Whether a certificate is in the path of a live connection. */
  has(issuerKeyHash: string, serialHex: string): boolean {
    return this.#byKey.has(`${issuerKeyHash}:${serialHex}`);
  }

  /** The verdicts that live connections rest on; the register must not change meanwhile. */
  *verdicts(): Generator<Accepted> {
    for (const { verdict } of this.#entries) yield verdict;
  }

  /** A certificate was revoked (or held): ends every connection whose path it is in. Gives their number. */
  revoked(issuerKeyHash: string, serialHex: string): number {
    const entries = this.#byKey.get(`${issuerKeyHash}:${serialHex}`);
    if (entries === undefined) return 0;
    const ending = [...entries];
    for (const entry of ending) this.#end(entry, 'revoked');
    return ending.length;
  }

  /**
   * Ends what has expired. To be called a few times a second with the wall clock, which may have been stepped: no timer per
   * connection. Gives the number ended.
   */
  sweep(now: number = this.#options.now()): number {
    let ended = 0;
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || first.expiresAt >= now) return ended;
      this.#end(first, 'expired');
      ended += 1;
    }
  }

  /**
   * Asks of every connection whether its verdict still stands (revocation, staleness, time): after a snapshot, or when news
   * have become too old. Cheap: no path is built. Gives the number ended.
   */
  restand(now: number = this.#options.now()): number {
    let ended = 0;
    for (const entry of this.#entries) {
      const refused = this.#options.rules.standing(entry.verdict, now);
      if (refused === undefined) continue;
      this.#end(entry, refused.code);
      ended += 1;
    }
    return ended;
  }

  /**
   * Judges every connection anew that was judged under an older generation: after a change of bundles or rules. Other work
   * gets its turn in between; a further change meanwhile is taken in. Gives the number ended.
   */
  async rejudge(): Promise<number> {
    let ended = 0;
    let sinceYield = 0;
    for (const entry of this.#entries) {
      if (entry.verdict.generation === this.#options.rules.generation) continue;
      const verdict = this.#options.rules.judge(entry.verdict, entry.policyId, this.#options.now());
      if (verdict.ok) {
        this.#leave(entry);
        entry.replace(verdict);
        // Re-entering moves the entry to the end of the set: a change during this walk finds it again.
        this.#enter(entry);
      } else {
        this.#end(entry, verdict.code);
        ended += 1;
      }
      sinceYield += 1;
      if (sinceYield < SLICE) continue;
      sinceYield = 0;
      await (this.#options.yieldTurn ?? nextTurn)();
    }
    return ended;
  }

  /** Ends everything, for one reason. */
  endAll(reason: VerdictCode): number {
    const ending = [...this.#entries];
    for (const entry of ending) this.#end(entry, reason);
    return ending.length;
  }

  #current(verdict: Accepted, policyId: string, now: number): Verdict {
    const { rules } = this.#options;
    const known = verdict.generation === rules.generation ? verdict : rules.judge(verdict, policyId, now);
    return known.ok ? (rules.standing(known, now) ?? known) : known;
  }

  #enter(entry: Entry): void {
    this.#entries.add(entry);
    this.#heap.push(entry);
    for (const key of entry.keys) {
      const entries = this.#byKey.get(key);
      if (entries === undefined) this.#byKey.set(key, new Set([entry]));
      else entries.add(entry);
    }
  }

  #leave(entry: Entry): void {
    this.#entries.delete(entry);
    this.#heap.remove(entry);
    for (const key of entry.keys) {
      const entries = this.#byKey.get(key);
      entries?.delete(entry);
      if (entries?.size === 0) this.#byKey.delete(key);
    }
  }

  #forget(entry: Entry): void {
    this.#leave(entry);
  }

  #end(entry: Entry, reason: VerdictCode): void {
    this.#leave(entry);
    try {
      entry.endFor(reason);
    } catch (error) {
      this.#options.onEndFailed?.(error);
    }
  }
}

class Entry implements LiveHandle, Expiring {
  readonly policyId: string;
  heapIndex = -1;
  #verdict: Accepted;
  #ended: VerdictCode | undefined;
  #closed = false;
  readonly #end: (reason: VerdictCode) => void;
  readonly #forget: (entry: Entry) => void;

  constructor(verdict: Accepted, policyId: string, end: (reason: VerdictCode) => void, forget: (entry: Entry) => void) {
    this.#verdict = verdict;
    this.policyId = policyId;
    this.#end = end;
    this.#forget = forget;
  }

  get verdict(): Accepted {
    return this.#verdict;
  }

  get ended(): VerdictCode | undefined {
    return this.#ended;
  }

  get expiresAt(): number {
    return this.#verdict.expiresAt;
  }

  get keys(): string[] {
    return this.#verdict.path.map((entry) => `${entry.issuerKeyHash}:${entry.serialHex}`);
  }

  /** Only while outside the register: its keys and expiry change. */
  replace(verdict: Accepted): void {
    this.#verdict = verdict;
  }

  endFor(reason: VerdictCode): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ended = reason;
    this.#end(reason);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget(this);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

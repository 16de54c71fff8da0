import type { After, Clock, Store } from '../ports.ts';
import type { CrlSigner } from './build.ts';
import { signDelta } from './delta.ts';
import { signFull, signShortFull } from './full.ts';

/** Up to how many entries a full CRL is signed at once whenever something changes: it takes a few milliseconds. */
const defaultShortEntries = 5000;

/** A long one waits for more changes, and rests between two: with the few seconds that it takes, it is never a minute behind. */
const gatherMs = 5000;
const restMs = 30_000;

/** What the keeper needs. */
export interface ListContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly after: After;
  /** Something was signed; `ms` is how long it took. */
  readonly onSigned: (ca: CrlSigner, kind: 'full' | 'delta', ms: number) => void;
  readonly onFailure: (error: unknown) => void;
  /** Up to how many entries a full CRL is signed at once. Default 5000. */
  readonly shortEntries?: number;
}

/**
 * Keeps one CA's full CRL and its delta. A short list is signed anew with every change; of a long one the delta is, and the list itself
 * within a minute.
 */
export class ListKeeper {
  readonly #context: ListContext;
  readonly #ca: CrlSigner;
  #short: Promise<void> | undefined;
  #delta: Promise<void> | undefined;
  #long: Promise<void> | undefined;
  #callOff: (() => void) | undefined;
  #endedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(context: ListContext, ca: CrlSigner) {
    this.#context = context;
    this.#ca = ca;
  }

  /** Something has changed: resolves when the list that consumers read shows it, the full one where it is short, else the delta. */
  async changed(): Promise<void> {
    if (await this.#isShort()) return this.#signShort();
    this.#later();
    await this.#signDelta();
  }

  /** Signs the full CRL now; resolves when it is in force. */
  async sign(): Promise<void> {
    if (await this.#isShort()) return this.#signShort();
    this.#long ??= this.#signLong().finally(() => {
      this.#long = undefined;
    });
    return this.#long;
  }

  /** Signs the delta now. */
  signDelta(): Promise<void> {
    return this.#signDelta();
  }

  /** No more signatures; resolves when none is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#callOff?.();
    await Promise.allSettled([this.#short, this.#delta, this.#long]);
  }

  async #isShort(): Promise<boolean> {
    const { store, shortEntries = defaultShortEntries } = this.#context;
    const full = await store.crl(this.#ca.keyHash, 'full');
    return full !== undefined && full.entries <= shortEntries;
  }

  #signShort(): Promise<void> {
    this.#short ??= this.#write('full', () => (this.#short = undefined));
    return this.#short;
  }

  #signDelta(): Promise<void> {
    this.#delta ??= this.#write('delta', () => (this.#delta = undefined));
    return this.#delta;
  }

  /** One signature for everybody who asks before it has begun. */
  #write(kind: 'full' | 'delta', begun: () => void): Promise<void> {
    const { store, clock, onSigned } = this.#context;
    return store
      .write(async (tx) => {
        begun();
        const from = clock();
        await (kind === 'full' ? signShortFull(tx, this.#ca, clock) : signDelta(tx, this.#ca, clock()));
        return clock() - from;
      })
      .then((ms) => onSigned(this.#ca, kind, ms))
      .finally(begun);
  }

  async #signLong(): Promise<void> {
    const { store, clock, onSigned } = this.#context;
    const from = clock();
    try {
      await signFull(store, this.#ca, clock);
      onSigned(this.#ca, 'full', clock() - from);
    } finally {
      this.#endedAt = clock();
    }
  }

  #later(): void {
    if (this.#callOff !== undefined || this.#closed) return;
    const { after, clock, onFailure } = this.#context;
    // Between the two bounds also where the clock was set.
    const rest = Math.min(restMs, this.#endedAt + restMs - clock());
    this.#callOff = after(Math.max(gatherMs, rest), () => {
      this.#callOff = undefined;
      // One that is being built may have been begun before the change.
      const before = this.#long ?? Promise.resolve();
      before
        .catch(() => undefined)
        .then(() => (this.#closed ? undefined : this.sign()))
        .catch(onFailure);
    });
  }
}

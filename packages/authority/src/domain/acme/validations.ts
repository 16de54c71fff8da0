import type { After, Clock, Store } from '../ports.ts';
import { changeOrder, isOpen, withAuthorization, withChallenge } from './authorizations.ts';
import { deny } from './problem.ts';
import type { AcmeProblem, AcmeRefused, Identifier } from './problem.ts';
import type { RateLimits } from './rate-limits.ts';
import type { AcmeOrder, ChallengeType } from './records.ts';

/** What is to be looked at, and what has to be there. */
export interface ValidationTask {
  readonly type: ChallengeType;
  readonly identifier: Identifier;
  readonly token: string;
  /** RFC 8555, section 8.1. */
  readonly keyAuthorization: string;
}

/** What was found. `again`: another try may find something else. */
export type ValidationResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly problem: AcmeProblem; readonly again: boolean };

/** Looks whether a challenge is fulfilled; never rejects but when `signal` says so. */
export type Validate = (task: ValidationTask, signal: AbortSignal) => Promise<ValidationResult>;

export interface ValidationParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly after: After;
  readonly limits: RateLimits;
  readonly validate: Validate;
  /** What this node is called, also after it was started again: what it left is its own to take up. */
  readonly node: string;
  /** How long to wait before each further try. */
  readonly retryDelaysMs: readonly number[];
  readonly onError: (error: unknown) => void;
}

/** How many are looked at at a time, and how many may wait for their turn. */
const concurrency = 64;
const waitingLimit = 2000;
/** More than one node can have left unfinished. */
const leftLimit = 2 * (concurrency + waitingLimit);

/** How long a validation that nobody reports on is left alone before another node takes it up. */
export const leaseMs = 120_000;

/** Whose unfinished validations are taken up: of every node, of this one, of any whose lease has ended. */
export type Left = 'everything' | 'own' | 'ended';

interface Job {
  readonly order: string;
  readonly index: number;
  readonly type: ChallengeType;
}

/**
 * Validates challenges: a bounded number at a time, each with a few tries, the result written to its order. What a process leaves
 * unfinished lies in the store with a lease, and is taken up again when that has ended.
 */
export class Validations {
  readonly #parts: ValidationParts;
  readonly #waiting: Job[] = [];
  /** Those that wait or run here, so that none does twice. */
  readonly #known = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(parts: ValidationParts) {
    this.#parts = parts;
  }

  /** `rateLimited` while too many wait. */
  refusal(): AcmeRefused | undefined {
    if (this.#waiting.length < waitingLimit) return undefined;
    return deny('rateLimited', 'too many validations are waiting', { status: 503, retryAfterSeconds: 10 });
  }

  /** Takes up a challenge that is marked as processing. */
  submit(order: AcmeOrder, index: number, type: ChallengeType): void {
    const key = `${order.id} ${index} ${type}`;
    if (this.#stop.signal.aborted || this.#known.has(key)) return;
    this.#known.add(key);
    this.#waiting.push({ order: order.id, index, type });
    this.#next();
  }

  /** A lease of this node's from now on. */
  lease(): Required<Pick<AcmeOrder, 'leaseUntil' | 'leaseBy'>> {
    return { leaseUntil: this.#parts.clock() + leaseMs, leaseBy: this.#parts.node };
  }

  /**
   * Takes up what nobody attends to: when this node starts everything that it has left (and where no other has the store open, everything
   * that was left); later what has outlived its lease.
   */
  async resume(left: Left): Promise<void> {
    const { store, clock, node } = this.#parts;
    const now = left === 'everything' ? Number.MAX_SAFE_INTEGER : clock();
    for (const { id } of await store.acmeUnattended(now, left === 'own' ? node : undefined, leftLimit)) {
      // Another node may have been faster: then it is theirs.
      let ours = false;
      const taken = await changeOrder(store, id, (order) => {
        const { leaseUntil, leaseBy } = order;
        ours = leaseUntil !== undefined && (leaseUntil < now || (left === 'own' && leaseBy === node));
        return ours ? { ...order, ...this.lease() } : undefined;
      });
      if (!ours || taken === undefined) continue;
      for (const [index, { challenges }] of taken.authorizations.entries()) {
        for (const { type, status } of challenges) if (status === 'processing') this.submit(taken, index, type);
      }
    }
  }

  /** Ends what runs; it stays in the store as unfinished. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the authority ends'));
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #next(): void {
    while (this.#running.size < concurrency) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const running = this.#run(job)
        .catch((error: unknown) => {
          if (!this.#stop.signal.aborted) this.#parts.onError(error);
        })
        .finally(() => {
          this.#known.delete(`${job.order} ${job.index} ${job.type}`);
          this.#running.delete(running);
          this.#next();
        });
      this.#running.add(running);
    }
  }

  async #run(job: Job): Promise<void> {
    const task = await this.#task(job);
    if (task === undefined) return;
    const { retryDelaysMs, validate } = this.#parts;
    for (let attempt = 0; ; attempt++) {
      const result = await validate(task, this.#stop.signal);
      const delay = retryDelaysMs[attempt];
      if (result.ok || !result.again || delay === undefined) {
        await this.#settle(job, result);
        return;
      }
      await this.#pause(delay);
    }
  }

  async #task({ order: id, index, type }: Job): Promise<ValidationTask | undefined> {
    const { store, clock } = this.#parts;
    const order = await store.acmeOrder(id);
    const authorization = order?.authorizations[index];
    const challenge = authorization?.challenges.find((one) => one.type === type);
    if (order === undefined || authorization === undefined || challenge?.status !== 'processing') return undefined;
    const account = isOpen(order, clock()) ? await store.acmeAccount(order.account) : undefined;
    if (account?.status !== 'valid') {
      await this.#settle({ order: id, index, type }, { ok: false, problem: closed, again: false });
      return undefined;
    }
    const { token } = challenge;
    const { identifier } = authorization;
    return { type, identifier, token, keyAuthorization: `${token}.${account.thumbprint}` };
  }

  async #settle({ order: id, index, type }: Job, result: ValidationResult): Promise<void> {
    const { store, clock, limits } = this.#parts;
    const now = clock();
    await changeOrder(store, id, (order) => {
      const changed = withAuthorization(order, index, (authorization) => {
        const challenge = authorization.challenges.find((one) => one.type === type);
        if (challenge?.status !== 'processing') return authorization;
        const settled = withChallenge(authorization, type, (one) =>
          result.ok
            ? { ...one, status: 'valid', validatedAt: now }
            : { ...one, status: 'invalid', error: result.problem },
        );
        // Another challenge may have decided already, or the client have given up.
        const status = result.ok ? ('valid' as const) : ('invalid' as const);
        return authorization.status === 'pending' ? { ...settled, status } : settled;
      });
      const open = changed.authorizations.some(({ challenges }) =>
        challenges.some(({ status }) => status === 'processing'),
      );
      const error = !result.ok && changed.status === 'invalid' ? { error: changed.error ?? result.problem } : {};
      const lease = open ? this.lease() : { leaseUntil: undefined, leaseBy: undefined };
      return { ...changed, ...error, ...lease };
    });
    if (result.ok) return;
    const order = await store.acmeOrder(id);
    const value = order?.authorizations[index]?.identifier.value;
    if (order !== undefined && value !== undefined) limits.count('failures', `${order.account} ${value}`);
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { signal } = this.#stop;
    const callOff = this.#parts.after(ms, resolve);
    const onAbort = (): void => {
      callOff();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
}

const closed: AcmeProblem = { type: 'unauthorized', detail: 'the order or its account was closed before' };

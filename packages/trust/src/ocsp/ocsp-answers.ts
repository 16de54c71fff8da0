import type { RevocationReason } from '../revocation/revocation.ts';

/** What a responder has said of one certificate, as it is kept and told to other processes. */
export interface OcspAnswer {
  /** SHA-256 of the issuer's SubjectPublicKeyInfo: lower-case hex. */
  readonly issuerKeyHash: string;
  readonly serialHex: string;
  /** `unknown`: its responder does not know it, which is not `good`. */
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly reason: RevocationReason | undefined;
  /** Milliseconds since the epoch. */
  readonly revokedAt: number | undefined;
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch. */
  readonly producedAt: number;
  /** Until when it is current, milliseconds since the epoch. */
  readonly freshUntil: number;
  /** When to ask again ahead of that, milliseconds since the epoch. */
  readonly refreshAt: number;
  /** The certificate's end, milliseconds since the epoch. */
  readonly notAfter: number;
}

export interface OcspAnswersOptions {
  /** How many are kept. Revoked ones, and those that are pinned, go last. */
  readonly maxCount: number;
  /** Whether an answer is needed by something alive, and must not be dropped. */
  readonly isPinned?: ((answer: OcspAnswer) => boolean) | undefined;
}

/** How many of the oldest are looked at to find one that may go. */
const LOOK_AT = 64;

/**
 * The newest answer about each certificate, by issuer and serial number. An older one is never taken for news (replay); a
 * revocation is only undone by a newer answer, and outlives its own nextUpdate. Bounded.
 */
export class OcspAnswers {
  readonly #maxCount: number;
  readonly #isPinned: (answer: OcspAnswer) => boolean;
  /** Those used longest ago first; revoked ones apart, so that no flood of good ones drives them out. */
  readonly #others = new Map<string, OcspAnswer>();
  readonly #revoked = new Map<string, OcspAnswer>();

  constructor({ maxCount, isPinned = () => false }: OcspAnswersOptions) {
    this.#maxCount = maxCount;
    this.#isPinned = isPinned;
  }

  get size(): number {
    return this.#others.size + this.#revoked.size;
  }

  get(issuerKeyHash: string, serialHex: string): OcspAnswer | undefined {
    const key = keyOf(issuerKeyHash, serialHex);
    const revoked = this.#revoked.get(key);
    if (revoked !== undefined) return revoked;
    const found = this.#others.get(key);
    if (found === undefined) return undefined;
    this.#others.delete(key);
    this.#others.set(key, found);
    return found;
  }

  /** Takes an answer in, unless a newer one is known: then false. */
  put(answer: OcspAnswer): boolean {
    const key = keyOf(answer.issuerKeyHash, answer.serialHex);
    const known = this.#revoked.get(key) ?? this.#others.get(key);
    if (known !== undefined && !isNews(answer, known)) return false;
    this.#others.delete(key);
    this.#revoked.delete(key);
    const into = answer.status === 'revoked' ? this.#revoked : this.#others;
    into.set(key, answer);
    this.#trim(into);
    return true;
  }

  /** Every answer, for processes that start later. */
  all(): OcspAnswer[] {
    return [...this.#others.values(), ...this.#revoked.values()];
  }

  /** The revocations among them. */
  revoked(): OcspAnswer[] {
    return [...this.#revoked.values()];
  }

  /** Forgets certificates that have expired: time refuses them. */
  purgeExpired(now: number): void {
    for (const answers of [this.#others, this.#revoked]) {
      for (const [key, { notAfter }] of answers) if (notAfter < now) answers.delete(key);
    }
  }

  #trim(answers: Map<string, OcspAnswer>): void {
    if (answers.size <= this.#maxCount) return;
    let looked = 0;
    for (const [key, answer] of answers) {
      if (!this.#isPinned(answer)) {
        answers.delete(key);
        return;
      }
      // It is in use: to the end of the line with it, so that the next look goes further.
      answers.delete(key);
      answers.set(key, answer);
      looked += 1;
      if (looked >= LOOK_AT) return;
    }
  }
}

/** Whether `next` is newer than `known`; of two of one moment the worse counts. Not to be known is no news to hold on to. */
function isNews(next: OcspAnswer, known: OcspAnswer): boolean {
  if (known.status === 'unknown') return next.thisUpdate >= known.thisUpdate;
  if (next.thisUpdate !== known.thisUpdate) return next.thisUpdate > known.thisUpdate;
  if (next.producedAt !== known.producedAt) return next.producedAt > known.producedAt;
  return severity(next) >= severity(known);
}

function severity({ status }: OcspAnswer): number {
  return ['good', 'unknown', 'revoked'].indexOf(status);
}

/** Serial numbers of a parser have one form only. */
function keyOf(issuerKeyHash: string, serialHex: string): string {
  return `${issuerKeyHash}:${serialHex}`;
}

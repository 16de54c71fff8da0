import type { RevocationStatus } from '../revocation/revocation-index.ts';
import { isBeyond } from '../state/revocation-source.ts';
import type { Coverage, RevocationSource, Staleness } from '../state/revocation-source.ts';
import type { PathEntry } from '../verdict/verdict.ts';
import type { OcspAnswer, OcspAnswers } from './ocsp-answers.ts';

export interface OcspSourceOptions {
  /** Name of the bundle that the answers are for. */
  readonly name: string;
  readonly answers: OcspAnswers;
  readonly staleness: Staleness;
  /** The configuration names responders for all its certificates; else those count that a certificate names. */
  readonly hasResponders: boolean;
}

/** What OCSP responders have said, as a source of revocation: looked up, never waited for. */
export class OcspSource implements RevocationSource {
  readonly name: string;
  readonly staleness: Staleness;
  readonly answers: OcspAnswers;
  readonly #hasResponders: boolean;

  constructor({ name, answers, staleness, hasResponders }: OcspSourceOptions) {
    this.name = `the OCSP responder of ${name}`;
    this.answers = answers;
    this.staleness = staleness;
    this.#hasResponders = hasResponders;
  }

  lookup(entry: PathEntry): RevocationStatus | undefined {
    const answer = this.#answer(entry);
    if (answer?.status !== 'revoked') return undefined;
    const { reason = 'unspecified', revokedAt = answer.thisUpdate, notAfter } = answer;
    return { reason, revokedAt, notAfter };
  }

  coverage(entry: PathEntry): Coverage {
    const answer = this.#answer(entry);
    if (answer === undefined) return { kind: this.#isAskable(entry) ? 'missing' : 'none' };
    if (answer.status === 'unknown') return { kind: 'none', detail: 'does not know this certificate' };
    return { kind: 'loaded', freshUntil: answer.freshUntil };
  }

  wants(entry: PathEntry, now: number): boolean {
    if (!this.#isAskable(entry)) return false;
    const answer = this.#answer(entry);
    if (answer === undefined) return true;
    if (answer.status === 'unknown') return now >= answer.refreshAt;
    return answer.status === 'good' && isBeyond(answer.freshUntil, this.staleness, now);
  }

  isDue(entry: PathEntry, now: number): boolean {
    if (!this.#isAskable(entry)) return false;
    const answer = this.#answer(entry);
    return answer === undefined || now >= answer.refreshAt;
  }

  #answer(entry: PathEntry): OcspAnswer | undefined {
    return this.answers.get(entry.issuerKeyHash, entry.serialHex);
  }

  #isAskable(entry: PathEntry): boolean {
    return this.#hasResponders || entry.ocspUris.length > 0;
  }
}

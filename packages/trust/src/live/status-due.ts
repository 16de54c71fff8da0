import type { Accepted } from '../verdict/verdict.ts';
import { keyHash } from '../verdict/key-hash.ts';
import type { TrustState } from '../state/trust-state.ts';

/** A certificate of a trusted chain, whose status is asked for, and the CA above it: DER. */
export interface StatusQuestionData {
  readonly certificate: Uint8Array;
  readonly issuer: Uint8Array;
}

/** A question is not put again for this long: its answer may be under way. */
const AGAIN_MS = 10_000;
const MAX_KNOWN = 20_000;
/** In one message; the rest follows with the next look. */
const MAX_AT_ONCE = 256;

/**
 * What to ask about certificates of an accepted path.
 *
 * @param places - in the path
 * @returns nothing where the certificate of the CA above is not at hand
 */
export function questionsOf(verdict: Accepted, places: readonly number[], state: TrustState): StatusQuestionData[] {
  const { chainDer } = verdict.identity;
  return places.flatMap((place) => {
    const certificate = chainDer[place];
    const issuer = chainDer[place + 1] ?? anchorDer(verdict, state);
    return certificate === undefined || issuer === undefined ? [] : [{ certificate, issuer }];
  });
}

function anchorDer({ bundle, anchorKeyHash }: Accepted, state: TrustState): Uint8Array | undefined {
  const anchors = state.bundle(bundle)?.bundle.anchors ?? [];
  return anchors.find(({ spki }) => keyHash(spki) === anchorKeyHash)?.certificate?.der;
}

/** Has the news about certificates in use renewed ahead of their end, while connections rest on them. */
export class StatusDue {
  readonly #state: TrustState;
  readonly #send: (bundle: string, questions: readonly StatusQuestionData[]) => void;
  /** When each was asked for, milliseconds since the epoch. */
  readonly #asked = new Map<string, number>();

  constructor(state: TrustState, send: (bundle: string, questions: readonly StatusQuestionData[]) => void) {
    this.#state = state;
    this.#send = send;
  }

  /** Looks at what these verdicts rest on. */
  look(verdicts: Iterable<Accepted>, now: number): void {
    const due = new Map<string, StatusQuestionData[]>();
    let count = 0;
    for (const verdict of verdicts) {
      if (count >= MAX_AT_ONCE) break;
      const places = this.#state.due(verdict, now).filter((place) => this.#isNew(verdict, place, now));
      if (places.length === 0) continue;
      const questions = questionsOf(verdict, places, this.#state);
      count += questions.length;
      due.set(verdict.bundle, [...(due.get(verdict.bundle) ?? []), ...questions]);
    }
    for (const [bundle, questions] of due) this.#send(bundle, questions);
  }

  #isNew({ path, bundle }: Accepted, place: number, now: number): boolean {
    const entry = path[place];
    if (entry === undefined) return false;
    const key = `${bundle} ${entry.issuerKeyHash}:${entry.serialHex}`;
    const before = this.#asked.get(key);
    if (before !== undefined && Math.abs(now - before) < AGAIN_MS) return false;
    this.#asked.delete(key);
    this.#asked.set(key, now);
    if (this.#asked.size > MAX_KNOWN) {
      const [oldest = ''] = this.#asked.keys();
      this.#asked.delete(oldest);
    }
    return true;
  }
}

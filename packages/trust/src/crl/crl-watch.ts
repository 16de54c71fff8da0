import type { LoadedCrl } from './accept-crl.ts';
import { placeOf } from './crl-shelf.ts';

const DAY = 86_400_000;
/** A part of a list's lifetime, and no more than so long: who publishes well ahead is never late by this measure. */
const LAST_PART = 1 / 4;
const LONGEST_MS = 30 * DAY;

/** Something that an operator must hear of a CRL in use. */
export interface CrlAlarm {
  /** `ending`: it will lapse unless the next one comes; `ended`: it has; `renewed`: all is well again. */
  readonly kind: 'ending' | 'ended' | 'renewed';
  readonly crl: LoadedCrl;
}

/** Whether a CRL is so near its end that its successor is overdue. */
export function isEnding({ thisUpdate, nextUpdate }: LoadedCrl, now: number, alarmBeforeMs?: number): boolean {
  const before = alarmBeforeMs ?? Math.min((nextUpdate - thisUpdate) * LAST_PART, LONGEST_MS);
  return now >= nextUpdate - before;
}

/** Raises the alarm long before a CRL lapses, once for each stage. */
export class CrlWatch {
  readonly #alarmBeforeMs: number | undefined;
  readonly #stages = new Map<string, 'ending' | 'ended'>();

  /** @param alarmBeforeMs how long before its nextUpdate; a quarter of its lifetime, at most 30 days, by default. */
  constructor(alarmBeforeMs?: number) {
    this.#alarmBeforeMs = alarmBeforeMs;
  }

  /** To be called now and then with the lists in use; gives what is new. */
  look(lists: readonly LoadedCrl[], now: number): CrlAlarm[] {
    const alarms: CrlAlarm[] = [];
    const seen = new Set<string>();
    for (const crl of lists) {
      const place = `${placeOf(crl)} ${crl.baseNumber === undefined}`;
      seen.add(place);
      const stage = now > crl.nextUpdate ? 'ended' : isEnding(crl, now, this.#alarmBeforeMs) ? 'ending' : undefined;
      if (stage === this.#stages.get(place)) continue;
      if (stage === undefined) this.#stages.delete(place);
      else this.#stages.set(place, stage);
      alarms.push({ kind: stage ?? 'renewed', crl });
    }
    for (const place of this.#stages.keys()) if (!seen.has(place)) this.#stages.delete(place);
    return alarms;
  }
}

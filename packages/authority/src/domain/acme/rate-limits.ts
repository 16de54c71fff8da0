import type { Clock } from '../ports.ts';
import { deny } from './problem.ts';
import type { AcmeRefused } from './problem.ts';

/** What is limited, and to how many in an hour. */
export const hourlyLimits = {
  /** New accounts without an external account key, from one address. */
  accounts: 500,
  /** Validations that failed, of one account for one identifier. */
  failures: 20,
} as const;
export type LimitName = keyof typeof hourlyLimits;

const words: Readonly<Record<LimitName, string>> = {
  accounts: 'new accounts from one address',
  failures: 'failed validations of one identifier',
};

/** How many of something somebody has had within an hour. */
export interface RateLimits {
  count(what: LimitName, whose: string): void;
  /** `rateLimited` with when to try again, where there have been too many already. */
  refusal(what: LimitName, whose: string): AcmeRefused | undefined;
}

const windowMs = 3_600_000;
/** How many are remembered; beyond it those go first whose hour began longest ago. */
const rememberedLimit = 20_000;

/** Counts in this process: several nodes together let as many times as much through. */
export function createRateLimits(clock: Clock): RateLimits {
  const counts = new Map<string, { readonly since: number; count: number }>();

  function current(key: string): { readonly since: number; count: number } | undefined {
    const counted = counts.get(key);
    return counted === undefined || Math.abs(clock() - counted.since) >= windowMs ? undefined : counted;
  }

  return {
    count: (what, whose) => {
      const key = `${what} ${whose}`;
      const counted = current(key);
      if (counted !== undefined) {
        counted.count += 1;
        return;
      }
      counts.delete(key);
      if (counts.size >= rememberedLimit) counts.delete(counts.keys().next().value ?? '');
      counts.set(key, { since: clock(), count: 1 });
    },
    refusal: (what, whose) => {
      const counted = current(`${what} ${whose}`);
      if (counted === undefined || counted.count < hourlyLimits[what]) return undefined;
      const retryAfterSeconds = Math.max(1, Math.ceil((counted.since + windowMs - clock()) / 1000));
      return deny('rateLimited', `more than ${hourlyLimits[what]} ${words[what]} in an hour`, { retryAfterSeconds });
    },
  };
}

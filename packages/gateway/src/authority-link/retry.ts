import { setTimeout as sleep } from 'node:timers/promises';
import { SdkError } from '@countersign/sdk';
import { BackOff, words } from '@countersign/trust';

export interface RetryOptions {
  readonly random: () => number;
  readonly warn: (message: string) => void;
  /** Gives up waiting. */
  readonly signal: AbortSignal;
}

/** Tries until it works, or the authority says no: what time alone can mend is waited for. */
export async function retry<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const backOff = new BackOff({ firstMs: 200, mostMs: 10_000, random: options.random });
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error) || options.signal.aborted) throw error;
      const waitMs = backOff.next();
      options.warn(`${words(error)}; trying again in ${waitMs} ms`);
      await sleep(waitMs, undefined, { signal: options.signal });
    }
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof SdkError)) return false;
  return error.code === 'authority_unreachable' || (error.problem?.status ?? 0) >= 500;
}

import type { Core } from './core.ts';

/** What is looked after while the authority runs. */
export interface UpkeepTasks {
  readonly core: Core;
  /** Looks after the OCSP responder. */
  readonly keepOcsp: () => Promise<void>;
  /** Renews the API's own certificate when its time has come. */
  readonly keepIdentity: () => Promise<void>;
  /** What else is looked after every minute. */
  readonly round?: (() => Promise<void>) | undefined;
}

const tickMs = 1000;
const roundMs = 60_000;

/**
 * Looks after what has its time: every second the feed's heart and what other processes have changed in the store, every minute (by the
 * wall clock, which may jump) CRLs, the OCSP responder and the API's certificate. What fails is logged and tried again. The function that is returned ends
 * it when the round under way is done.
 */
export function startUpkeep({ core, keepOcsp, keepIdentity, round }: UpkeepTasks): () => Promise<void> {
  let lastRound = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  async function tick(): Promise<void> {
    core.hub.tick();
    // The feed first: whatever may fail about keys, a revocation is told.
    await core.hub.pump();
    if (await core.keepCas()) await keepOcsp();
    const now = core.clock();
    if (Math.abs(now - lastRound) < roundMs) return;
    lastRound = now;
    await core.crls.refresh();
    await keepOcsp();
    await keepIdentity();
    await round?.();
  }

  const timer = setInterval(() => {
    // A round that takes longer than a tick is not begun twice.
    running ??= tick()
      .catch((error: unknown) => core.log.error({ err: error }, 'upkeep failed, it is tried again'))
      .finally(() => {
        running = undefined;
      });
  }, tickMs);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

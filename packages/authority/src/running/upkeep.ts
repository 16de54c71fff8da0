import { keepRequests } from '../domain/approval/decide.ts';
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
const day = 86_400_000;

/** How long changes of the feed are kept, and how many: whoever was away for longer gets a snapshot. */
const changesMs = 7 * day;
const changesMost = 1_000_000;

/** How long a token is remembered after its end: until then its holder is told what became of it. */
const tokensMs = 30 * day;

/**
 * Looks after what has its time: every second the feed's heart and what other processes have changed in the store, every minute (by the
 * wall clock, which may jump) CRLs, the OCSP responder, the API's certificate, and what is to be forgotten. What fails is logged and tried
 * again, and holds up nothing else. The function that is returned ends it when what is under way is done.
 */
export function startUpkeep({ core, keepOcsp, keepIdentity, round: further }: UpkeepTasks): () => Promise<void> {
  let lastRound = Number.NEGATIVE_INFINITY;
  let refreshing: Promise<void> | undefined;

  async function round(): Promise<void> {
    const now = core.clock();
    const due = Math.abs(now - lastRound) >= roundMs;
    if (due) lastRound = now;
    const tasks: (() => Promise<unknown>)[] = [async () => (await core.keepCas()) && (await keepOcsp())];
    if (due)
      tasks.push(
        refreshCrls,
        keepOcsp,
        keepIdentity,
        () => forget(core),
        () => keepRequests(core),
        async () => further?.(),
      );
    const failures: unknown[] = [];
    for (const task of tasks) await task().catch((error: unknown) => failures.push(error));
    if (failures.length === 0) return;
    // Not in a minute, but in the next round.
    lastRound = Number.NEGATIVE_INFINITY;
    throw failures[0];
  }

  // A long CRL takes seconds, and nothing waits for it.
  async function refreshCrls(): Promise<void> {
    refreshing ??= core.crls
      .refresh()
      .catch((error: unknown) => {
        lastRound = Number.NEGATIVE_INFINITY;
        core.log.error({ err: error }, 'the CRLs cannot be looked after, it is tried again');
      })
      .finally(() => {
        refreshing = undefined;
      });
  }

  // The feed by itself: whatever takes its time elsewhere, a revocation is told and the heart beats.
  const ends = [everyTick(() => core.hub.tick(), core, 'the feed'), everyTick(round, core, 'upkeep')];
  return async () => {
    await Promise.all(ends.map((end) => end()));
    await refreshing;
  };
}

/** Runs a task every second, never twice at once. A failure is logged when it begins, every minute while it lasts, and when it is over. */
function everyTick(task: () => Promise<void>, { log, clock }: Core, name: string): () => Promise<void> {
  let running: Promise<void> | undefined;
  let complainedAt: number | undefined;
  const timer = setInterval(() => {
    running ??= task()
      .then(
        () => {
          if (complainedAt !== undefined) log.info(`${name} goes on`);
          complainedAt = undefined;
        },
        (error: unknown) => {
          if (complainedAt !== undefined && Math.abs(clock() - complainedAt) < roundMs) return;
          complainedAt = clock();
          log.error({ err: error }, `${name} failed, it is tried again every second`);
        },
      )
      .finally(() => {
        running = undefined;
      });
  }, tickMs);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function forget({ store, clock }: Core): Promise<void> {
  const now = clock();
  await store.write(async (tx) => {
    await tx.pruneChanges(now - changesMs, changesMost);
    await tx.pruneTokens(now - tokensMs);
  });
}

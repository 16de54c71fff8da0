import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Finding, FuzzReport } from './target.ts';
import { InputWindow } from './window.ts';

export interface RunTargetsOptions {
  /** URL of the module that exports `targets`. */
  readonly module: string;
  readonly targets: readonly string[];
  readonly seed: number;
  /** For each target; the loop ends with the first of the two that is reached. */
  readonly iterations: number;
  readonly seconds: number;
  /** Of one target, after which it has failed enough; 20 if not given. */
  readonly maxFindings?: number;
  /** How long one input may take before it counts as a hang. */
  readonly hangSeconds?: number;
  /** Told as soon as a target is done. */
  readonly onReport?: (report: FuzzReport) => void;
}

export interface WorkerOrder {
  readonly module: string;
  readonly targets: readonly string[];
  readonly seed: number;
  readonly iterations: number;
  readonly milliseconds: number;
  readonly maxFindings: number;
  readonly window: SharedArrayBuffer;
}

/** Enough for every parser and every oracle; what needs more is a finding. */
const maxHeapMegabytes = 512;
const watchMs = 500;

/** Fuzzes parsers side by side, in as many threads as the machine has processors. The reports are in the order of the threads. */
export async function runSideBySide(options: RunTargetsOptions): Promise<FuzzReport[]> {
  const threads = Math.min(availableParallelism(), options.targets.length);
  const reports = await Promise.all(
    Array.from({ length: threads }, (_, thread) =>
      runTargets({ ...options, targets: options.targets.filter((_name, i) => i % threads === thread) }),
    ),
  );
  return reports.flat();
}

/**
 * Fuzzes parsers one after the other in a thread, which is watched: an input that does not come back, or that ends the thread, is a finding
 * too, and a new thread goes on with the next parser.
 *
 * @example
 * const [report] = await runTargets({ module, targets: ['certificate'], seed: 1, iterations: 2000, seconds: 10 });
 */
export async function runTargets(options: RunTargetsOptions): Promise<FuzzReport[]> {
  const reports: FuzzReport[] = [];
  while (reports.length < options.targets.length) {
    const rest = options.targets.slice(reports.length);
    const accident = await runThread(options, rest, (report) => {
      reports.push(report);
      options.onReport?.(report);
    });
    const target = options.targets[reports.length];
    if (accident === undefined || target === undefined) continue;
    const { finding, iterations } = accident;
    const counts = { seeds: 0, accepted: 0, compared: 0, behaviours: 0 };
    const report = { target, seed: options.seed, iterations, ...counts, findings: [finding] };
    reports.push(report);
    options.onReport?.(report);
  }
  return reports;
}

interface Accident {
  readonly finding: Finding;
  readonly iterations: number;
}

/** Resolves when the thread has done everything, or with what stopped it. */
async function runThread(
  options: RunTargetsOptions,
  targets: readonly string[],
  onReport: (report: FuzzReport) => void,
): Promise<Accident | undefined> {
  const { module, seed, iterations, seconds, maxFindings = 20, hangSeconds = 20 } = options;
  const window = new InputWindow();
  const milliseconds = seconds * 1000;
  const order: WorkerOrder = { module, targets, seed, iterations, milliseconds, maxFindings, window: window.memory };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
  });
  const accident = (kind: Finding['kind'], detail: string): Accident => ({
    finding: { kind, detail, input: window.input },
    iterations: window.count,
  });
  let watch: NodeJS.Timeout | undefined;
  const outcome = await new Promise<Accident | undefined>((resolve) => {
    let done = 0;
    worker.on('message', (report: FuzzReport) => {
      onReport(report);
      if (++done === targets.length) resolve(undefined);
    });
    worker.on('error', (error) =>
      resolve(accident('crash', error instanceof Error ? (error.stack ?? error.message) : String(error))),
    );
    worker.on('exit', (code) => resolve(accident('crash', `exit ${code}`)));
    let last = { count: -1, since: performance.now(), spent: spentMs() };
    watch = setInterval(() => {
      const { count } = window;
      const [now, spent, limit] = [performance.now(), spentMs(), hangSeconds * 1000];
      if (count !== last.count) last = { count, since: now, spent };
      // On a busy machine a thread may wait long for a processor: that is no hang.
      else if (window.busy && now - last.since > limit && spent - last.spent > limit) {
        resolve(accident('hang', `no end within ${hangSeconds} s`));
      }
    }, watchMs);
  });
  clearInterval(watch);
  await worker.terminate();
  return outcome;
}

/** The processor time of the whole process. */
function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (options: { type: 'minor' }) => void;

/** Something that is measured, beside others that do the same. */
export interface Contender {
  readonly name: string;
  /** One operation. */
  readonly run: () => unknown;
}

/** What is measured together, in rounds in which everybody has a turn. */
export interface Comparison {
  readonly name: string;
  /** The one that the others are held against; the first if not given. */
  readonly against?: string;
  readonly contenders: readonly Contender[];
}

export interface Measured {
  readonly name: string;
  /** Median over the rounds, microseconds of processor time for one operation. */
  readonly micros: number;
  /** Median over the rounds of the ratio to the one that is held against, measured in the same round. */
  readonly ratio: number;
}

export interface MeasureOptions {
  readonly rounds: number;
  /** Of each contender in each round. */
  readonly milliseconds: number;
  /** Of a list, where a part is about one and something else is wanted than usual. */
  readonly entries?: number;
}

/**
 * Measures processor time, not time on the clock, in interleaved rounds (A B C A B C …): on a busy machine only ratios within one round
 * mean something.
 */
export async function measure(comparison: Comparison, options: MeasureOptions): Promise<readonly Measured[]> {
  const { contenders } = comparison;
  const counts = new Map<string, number>();
  // Warm-up, which also tells how many operations fill a turn.
  for (const contender of contenders) counts.set(contender.name, await countFor(contender, options.milliseconds));
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of contenders) {
      samples.get(contender.name)?.push(await turn(contender, counts.get(contender.name) ?? 1));
    }
  }
  const reference = samples.get(comparison.against ?? contenders[0]?.name ?? '') ?? [];
  return contenders.map(({ name }) => {
    const own = samples.get(name) ?? [];
    return { name, micros: median(own), ratio: median(own.map((value, i) => value / (reference[i] ?? Number.NaN))) };
  });
}

async function countFor(contender: Contender, milliseconds: number): Promise<number> {
  let count = 1;
  for (;;) {
    const micros = await turn(contender, count);
    const total = micros * count;
    if (total >= milliseconds * 500) return Math.max(1, Math.round((milliseconds * 1000) / micros));
    count = Math.max(
      count * 2,
      Math.min(count * 100, Math.round((milliseconds * 1000 * count) / Math.max(total, 100))),
    );
  }
}

async function turn({ run }: Contender, count: number): Promise<number> {
  // Nobody pays for the young garbage of the one before. A whole collection would also throw away compiled code, whose objects are gone.
  collectGarbage({ type: 'minor' });
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) {
    const result = run();
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

import { median } from './measure.ts';
import type { Measured, MeasureOptions } from './measure.ts';

/** A line of a result: who, and columns of text. */
export interface Row {
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
}

export interface Result {
  readonly name: string;
  readonly rows: readonly Row[];
  /** What was found about a promise that the project makes. */
  readonly claims: readonly Claim[];
}

export interface Claim {
  readonly words: string;
  readonly held: boolean;
}

/** A module bench/NAME.ts exports this. */
export interface Suite {
  readonly name: string;
  readonly parts: Readonly<Record<string, (options: MeasureOptions) => Promise<Result>>>;
}

/** Rows of what was measured, with the ratios to `against`. */
export function rowsOf(measured: readonly Measured[], against: string): readonly Row[] {
  return measured.map(({ name, micros, ratio }) => ({
    name,
    columns: {
      'CPU per operation': `${significant(micros)} µs`,
      'operations per CPU second': Math.round(1e6 / micros).toLocaleString('en-US'),
      [`times ${against}`]: significant(ratio),
    },
  }));
}

export function significant(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

/** The median, with the least and the greatest. */
export function spreadOf(values: readonly number[], digits: (value: number) => string = significant): string {
  return `${digits(median(values))} (${digits(Math.min(...values))}-${digits(Math.max(...values))})`;
}

/** A claim that one is at least so many times as fast as another. */
export function claimFaster(measured: readonly Measured[], fast: string, slow: string, times: number): Claim {
  const ratio = ratioOf(measured, slow) / ratioOf(measured, fast);
  return {
    words: `${fast} is at least ${times} times as fast as ${slow}: ${significant(ratio)}`,
    held: ratio >= times,
  };
}

/** A claim that one costs at most so many times what another does. */
export function claimCost(measured: readonly Measured[], dear: string, floor: string, times: number): Claim {
  const ratio = ratioOf(measured, dear) / ratioOf(measured, floor);
  return { words: `${dear} costs at most ${times} times ${floor}: ${significant(ratio)}`, held: ratio <= times };
}

function ratioOf(measured: readonly Measured[], name: string): number {
  return measured.find((one) => one.name === name)?.ratio ?? Number.NaN;
}

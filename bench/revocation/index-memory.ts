import { fork } from 'node:child_process';
import { join } from 'node:path';
import { temporaryFolder } from '@countersign/testkit';
import { firstMessage } from '../harness/authority.ts';
import { significant } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';

/** What the process with the index has found; times are of its processor, save for one. */
export interface IndexFigures {
  readonly bytes: number;
  readonly fillMs: number;
  readonly missNoneNanos: number;
  readonly missNanos: number;
  readonly hitNanos: number;
  readonly loadMs: number;
  /** On the clock. */
  readonly loadClockMs: number;
}

/** What the index of a gateway's worker holds with so many revoked, what a look into it costs, and a start from the stored state. */
export async function benchIndex(count: number): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const child = fork(join(import.meta.dirname, 'index-process.ts'), [String(count), folder.in('state')], {
    execArgv: [...process.execArgv, '--expose-gc', '--max-old-space-size=6000'],
  });
  const found = await firstMessage<IndexFigures>(child);
  const megabytes = found.bytes / 1e6;
  const row = (name: string, figure: string) => ({ name, columns: { figure } });
  return {
    name: `${count.toLocaleString('en-US')} revoked in a worker's index, in a process of its own`,
    rows: [
      row('what it holds, all garbage collected', `${megabytes.toFixed(1)} MB`),
      row('a look for a certificate that is good', `${significant(found.missNanos)} ns`),
      row('  the same where one is revoked', `${significant(found.missNoneNanos)} ns`),
      row('a look for one that is revoked', `${significant(found.hitNanos)} ns`),
      row('filled, one after the other', `${significant(found.fillMs)} ms of processor time`),
      row('loaded from the stored snapshot, signature checked', `${significant(found.loadMs)} ms of processor time`),
      row('  the same on the clock', `${significant(found.loadClockMs)} ms`),
    ],
    claims: [
      { words: `the index holds at most 40 MB: ${megabytes.toFixed(1)} MB`, held: megabytes <= 40 },
      { words: `a look takes less than 1 µs: ${significant(found.missNanos)} ns`, held: found.missNanos < 1000 },
    ],
  };
}

// Which processes run on a DATA folder: kept by the one that holds the lock, read by `status`.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ListeningEvent } from '@countersign/protocol';
import { type DataFolder, isMissing } from './folder.ts';
import { isLocked } from './lock.ts';

/** One running process, as `status --json` lists it. */
export type RunningProcess = Pick<ListeningEvent, 'role' | 'pid' | 'listen'>;

/** Replaces the list, all or nothing. */
export function writeProcesses(folder: DataFolder, processes: readonly RunningProcess[]): void {
  const path = join(folder.run, 'processes.json');
  writeFileSync(`${path}.new`, JSON.stringify(processes), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/**
 * The list without those that have died since, or `undefined` when nothing runs on the folder: a list without a holder of the
 * lock is a dead one.
 */
export function readProcesses(folder: DataFolder): readonly RunningProcess[] | undefined {
  if (!isLocked(folder)) return undefined;
  try {
    const listed = JSON.parse(readFileSync(join(folder.run, 'processes.json'), 'utf8')) as readonly RunningProcess[];
    return listed.filter(({ pid }) => lives(pid));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

// One process at a time owns a DATA folder. The kernel holds the lock (through SQLite's, which needs no native module):
// it is gone with its holder, however that ends, so there is no stale lock to judge and no race in judging it.
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from '@countersign/trust/make-folder';
import { CliFailure } from '../failure.ts';
import type { DataFolder } from './folder.ts';

// A database that nobody refers to is closed by the collector, and its lock with it.
const held = new Set<DatabaseSync>();

/** A held lock; `release` (or the end of the process) gives it back. */
export interface DataLock {
  release(): void;
}

/**
 * Takes the lock of a DATA folder, making its run folder where there is none. When nothing else has come into a folder
 * that was not there before, it goes away again with the lock.
 *
 * @throws CliFailure `data_locked` that names the holder's pid, when another process holds it.
 */
export function takeLock(folder: DataFolder, pid: number): DataLock {
  const hadNone = !existsSync(folder.path);
  makeFolder(folder.run);
  const database = tryLock(folder);
  if (database === undefined) {
    const holder = lockHolder(folder);
    throw new CliFailure({
      code: 'data_locked',
      message: `${folder.path} is in use by another countersign${holder === undefined ? '' : ` (pid ${holder})`}`,
      mend: 'stop it first, or use another folder with --data',
    });
  }
  writeFileSync(pidFile(folder), `${pid}\n`, { mode: 0o600 });
  held.add(database);
  return {
    release: () => {
      // While the lock is held: whoever wants it meanwhile is refused, and whoever comes later makes the folder anew.
      if (hadNone) removeIfUnused(folder);
      held.delete(database);
      database.close();
    },
  };
}

function removeIfUnused(folder: DataFolder): void {
  if (readdirSync(folder.path).some((name) => join(folder.path, name) !== folder.run)) return;
  if (readdirSync(folder.run).some((name) => !/^start\.(?:lock.*|pid)$/u.test(name))) return;
  rmSync(folder.run, { recursive: true, force: true });
  rmdirSync(folder.path);
}

/** Whether somebody holds the lock now. */
export function isLocked(folder: DataFolder): boolean {
  try {
    const database = tryLock(folder);
    database?.close();
    return database === undefined;
  } catch {
    return false;
  }
}

/** The pid that the last holder wrote; it says nothing about whether that process lives. */
export function lockHolder(folder: DataFolder): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile(folder), 'utf8'), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    return undefined;
  }
}

function pidFile(folder: DataFolder): string {
  return join(folder.run, 'start.pid');
}

function tryLock(folder: DataFolder): DatabaseSync | undefined {
  const database = new DatabaseSync(join(folder.run, 'start.lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked/u.test(error.message)) return undefined;
    throw error;
  }
}

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder that only its owner can enter (0700), and those above it that are missing.
 *
 * Node's own `recursive` tries for ever where a folder can't be made although the one above it is there (/proc, some
 * network file systems); here that is an error.
 *
 * @throws Error of the system, when there is no folder of this name afterwards.
 * @example makeFolder('/var/lib/countersign/run')
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST' && isFolder(path)) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path || isFolder(above)) throw error;
    makeFolder(above);
    // Another process may have made it meanwhile.
    makeFolder(path);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

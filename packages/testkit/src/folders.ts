// Temporary folders that go away with the test that made them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whenProcessEnds } from './leave-nothing.ts';

/** A folder of its own; `using` (or `await using`) removes it. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
  /** Joins names below the folder. */
  in(...names: readonly string[]): string;
}

/**
 * Makes an empty folder below the system's temporary folder.
 *
 * @example using folder = temporaryFolder(); folder.in('D', 'clients')
 */
export function temporaryFolder(prefix = 'countersign-test-'): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  const forget = whenProcessEnds(remove);
  return {
    path,
    in: (...names) => join(path, ...names),
    [Symbol.dispose]: () => {
      remove();
      forget();
    },
  };
}

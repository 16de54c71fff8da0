// A package whose tests take long in one process has several, each of which imports its share of them.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Imports every `of`th test file below `folder`, beginning with the `part`th (1 to `of`): all parts together import each file once.
 *
 * @example await importPart(import.meta.dirname, 1, 3)
 */
export async function importPart(folder: string, part: number, of: number): Promise<void> {
  const files = globSync('**/*.test.ts', { cwd: folder }).toSorted();
  for (const [index, file] of files.entries()) {
    if (index % of === part - 1) await import(pathToFileURL(join(folder, file)).href);
  }
}

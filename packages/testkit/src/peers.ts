// The real programs the tests hold Countersign against: which are on this machine, and what to do where one is not.
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Finds a program by name on PATH (and in the sbin folders, where Debian puts servers, and those of PostgreSQL's versions, newest first).
 *
 * @returns its absolute path, or `undefined` where the machine has none.
 * @example peer('curl') // '/usr/bin/curl'
 */
export function peer(name: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    ...postgresFolders(),
  ];
  for (const folder of folders) {
    if (folder === '' || folder.includes('node_modules')) continue;
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

const debianPostgres = '/usr/lib/postgresql';

function postgresFolders(): readonly string[] {
  try {
    const versions = readdirSync(debianPostgres).toSorted((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(debianPostgres, version, 'bin'));
  } catch {
    return [];
  }
}

/**
 * The `skip` option of a test that needs real programs: `false` when all are there, else the reason, which node:test
 * shows. With COUNTERSIGN_REQUIRE_PEERS=1 (continuous integration) a missing program is an error instead: there a
 * skipped test would be a hole nobody sees.
 *
 * @example test('curl gets through', { skip: without('curl') }, async () => {})
 */
export function without(...names: readonly string[]): string | false {
  const missing = names.filter((name) => peer(name) === undefined);
  if (missing.length === 0) return false;
  const reason = `not installed here: ${missing.join(', ')}`;
  if (process.env['COUNTERSIGN_REQUIRE_PEERS'] === '1') throw new Error(reason);
  return reason;
}

// The DATA folder: where it is, what lies where in it, and whether this version can work with it.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CliContext, pathFrom } from '../context.ts';
import { CliFailure } from '../failure.ts';

/** The format of the folder that this version reads and writes. */
export const dataFormat = 1;

/** The places of a DATA folder, as absolute paths. */
export interface DataFolder {
  readonly path: string;
  readonly marker: string;
  readonly run: string;
  readonly secrets: string;
  readonly clients: string;
  readonly servers: string;
  readonly gateway: string;
  readonly root: string;
}

/**
 * The folder that `--data`, COUNTERSIGN_DATA or the default name; nothing is made or read.
 *
 * @example dataFolder(context, undefined).path // '/home/me/.countersign'
 */
export function dataFolder(context: Pick<CliContext, 'cwd' | 'env'>, flag: string | undefined): DataFolder {
  // An empty variable says nothing; the calling folder itself is written as `.`.
  const named = flag ?? context.env['COUNTERSIGN_DATA'] ?? '';
  const path = pathFrom(context, named === '' ? '.countersign' : named);
  return {
    path,
    marker: join(path, 'countersign.json'),
    run: join(path, 'run'),
    secrets: join(path, 'secrets'),
    clients: join(path, 'clients'),
    servers: join(path, 'servers'),
    gateway: join(path, 'gateway'),
    root: join(path, 'ca/root.crt'),
  };
}

// The marker is written last: without it there may be what an interrupted first start has left.
const ours =
  /^(?:run|secrets|clients|servers|gateway|authority|ca|authority\.sqlite.*|database\.json|\.(?:init|backup|restore)-.*|lost\+found)$/u;

/**
 * What is there: `fresh` (nothing, or an empty folder) or `ready` (a folder of this format).
 *
 * @throws CliFailure for a folder of another format, and for one that holds something else.
 */
export function dataState(folder: DataFolder): 'fresh' | 'ready' {
  let text: string;
  try {
    text = readFileSync(folder.marker, 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
    const found = entriesOf(folder.path);
    if (found.every((name) => ours.test(name))) return 'fresh';
    throw new CliFailure({
      code: 'data_not_ours',
      message: `${folder.path} is not empty and is not a Countersign folder`,
      mend: 'use another folder with --data',
    });
  }
  const format = formatOf(text);
  if (format === dataFormat) return 'ready';
  throw new CliFailure({
    code: 'data_format',
    message: `${folder.path} has ${format === undefined ? 'an unreadable countersign.json' : `format ${JSON.stringify(format)}`}; this version reads format ${dataFormat}`,
    mend: 'use the version of Countersign that made it, or another folder with --data',
  });
}

/** @throws CliFailure when the folder holds no installation. */
export function requireData(folder: DataFolder): void {
  if (dataState(folder) === 'ready') return;
  throw new CliFailure({
    code: 'data_missing',
    message: `there is no installation in ${folder.path}`,
    mend: 'run `countersign init` or `countersign start`, or name another folder with --data',
  });
}

function formatOf(text: string): unknown {
  try {
    const marker: unknown = JSON.parse(text);
    return typeof marker === 'object' && marker !== null && 'format' in marker ? marker.format : undefined;
  } catch {
    return undefined;
  }
}

function entriesOf(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Whether an error of the file system says that the file is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

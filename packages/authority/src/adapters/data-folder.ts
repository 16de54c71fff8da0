import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AuthorityError } from '../errors.ts';
import { readIfThere, writeFileDurably } from './files.ts';

/** The version of the folder's layout. */
export const folderFormat = 1;

/** Where everything of an authority is. */
export interface DataFolder {
  readonly path: string;
  /** Written last when an authority is made: without it there is none. */
  readonly marker: string;
  readonly caFolder: string;
  readonly rootCertificate: string;
  readonly rootKey: string;
  readonly rootCrl: string;
  readonly tokenKey: string;
  readonly store: string;
  /** Says which database elsewhere the store is in, where it is not `store`. */
  readonly database: string;
  readonly run: string;
  readonly apiFolder: string;
  readonly apiCertificate: string;
  readonly apiKey: string;
  certificateOf(caId: string): string;
  keyOf(caId: string): string;
}

/** The layout of a data folder. */
export function dataFolder(dataDir: string): DataFolder {
  const path = resolve(dataDir);
  const caFolder = join(path, 'ca');
  const apiFolder = join(path, 'authority');
  return {
    path,
    marker: join(path, 'countersign.json'),
    caFolder,
    rootCertificate: join(caFolder, 'root.crt'),
    rootKey: join(caFolder, 'root.key'),
    rootCrl: join(caFolder, 'root.crl'),
    tokenKey: join(caFolder, 'token.key'),
    store: join(path, 'authority.sqlite'),
    database: join(path, 'database.json'),
    run: join(path, 'run'),
    apiFolder,
    apiCertificate: join(apiFolder, 'api.crt'),
    apiKey: join(apiFolder, 'api.key'),
    certificateOf: (caId) => join(caFolder, `${caId}.crt`),
    keyOf: (caId) => join(caFolder, `${caId}.key`),
  };
}

/** Whether there is an authority in the folder. */
export function isInitialized(dataDir: string): boolean {
  return existsSync(dataFolder(dataDir).marker);
}

interface Marker {
  readonly format: number;
  readonly createdAt: string;
}

export async function writeMarker(folder: DataFolder, createdAt: number): Promise<void> {
  const marker: Marker = { format: folderFormat, createdAt: new Date(createdAt).toISOString() };
  await writeFileDurably(folder.marker, `${JSON.stringify(marker)}\n`, 0o644);
}

/** Throws `not_initialized` where there is no authority, `unknown_format` where another version made it. */
export async function checkMarker(folder: DataFolder): Promise<void> {
  const content = await readIfThere(folder.marker);
  if (content === undefined)
    throw new AuthorityError('not_initialized', `${folder.path} (make one with: countersign init)`);
  const format = formatOf(Buffer.from(content).toString('utf8'));
  if (format !== folderFormat) {
    const found = format === undefined ? 'cannot be read' : `has format ${JSON.stringify(format)}`;
    throw new AuthorityError('unknown_format', `${folder.marker} ${found}, this version reads format ${folderFormat}`);
  }
}

function formatOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  } catch {
    return undefined;
  }
}

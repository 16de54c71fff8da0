// Which authority a command speaks to: the one on this DATA folder, or one elsewhere.
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CliContext, pathFrom } from '../context.ts';
import { dataFolder } from '../data/folder.ts';
import { type CliFailure, unreadable, usage } from '../failure.ts';
import type { AdminTarget } from './client.ts';
import { adminSocketPath } from './socket.ts';

/** The flags that say where the authority is. */
export interface TargetFlags {
  readonly data?: string | undefined;
  readonly url?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * The authority that the flags mean: without `--url` the local socket of DATA; with it the URL, the admin certificate
 * of `--cert` and `--key`, and the `ca.crt` beside that certificate (else the root of DATA) as trust anchor.
 *
 * @throws CliFailure (exit 2) for flags that don't go together and files that can't be read.
 */
export function adminTarget(context: Pick<CliContext, 'cwd' | 'env'>, flags: TargetFlags): AdminTarget {
  const folder = dataFolder(context, flags.data);
  if (flags.url === undefined) {
    if (flags.cert !== undefined || flags.key !== undefined) throw usage('--cert and --key go with --url');
    return { kind: 'socket', socketPath: adminSocketPath(folder.path), data: folder.path };
  }
  if (flags.cert === undefined || flags.key === undefined) {
    throw usage('--url needs an admin certificate', 'name its files with --cert and --key');
  }
  const certPath = pathFrom(context, flags.cert);
  const beside = join(dirname(certPath), 'ca.crt');
  const caPath = existsSync(beside) ? beside : folder.root;
  return {
    kind: 'url',
    url: httpsUrl(flags.url),
    cert: readUserFile(certPath),
    key: readUserFile(pathFrom(context, flags.key)),
    ca: readUserFile(caPath),
  };
}

/** @throws CliFailure (exit 2) when the text is no https URL. */
export function httpsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw usage(`${text} is not an https URL`, 'write it as https://HOST:PORT');
}

/** A file that the command line names, as text. @throws CliFailure (exit 2) when it can't be read. */
export function readUserFile(path: string): string {
  return readUserBytes(path).toString('utf8');
}

/** For a file that is read elsewhere, bit by bit. @throws CliFailure (exit 2) when it can't be read. */
export function requireReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw cannotRead(path, error);
  }
  if (statSync(path).isDirectory()) throw unreadable(`${path} is a folder`);
}

function cannotRead(path: string, error: unknown): CliFailure {
  const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  return unreadable(`${path} can't be read (${why})`, error);
}

/** A file that the command line names. @throws CliFailure (exit 2) when it can't be read. */
export function readUserBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

// Passphrases: where they may come from, in which order, and the two that a first start makes for itself.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '@countersign/trust/make-folder';
import { type CliContext, pathFrom } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { type DataFolder, isMissing } from './folder.ts';

/** Which key a passphrase opens: the root's, or the issuing CA's. */
export type PassphraseKind = 'root' | 'issuing';

const places = {
  root: { name: 'root-passphrase', variable: 'COUNTERSIGN_ROOT_PASSPHRASE', flag: '--root-passphrase-file' },
  issuing: { name: 'passphrase', variable: 'COUNTERSIGN_PASSPHRASE', flag: '--passphrase-file' },
} as const;

/**
 * Finds a passphrase: the flag's file, the variable that names a file, the variable itself, $CREDENTIALS_DIRECTORY
 * (systemd), then DATA/secrets. The first that is there is taken; an empty one is refused.
 *
 * @param flagFile the value of the flag that names a file
 * @returns `undefined` when there is none anywhere.
 * @throws CliFailure (exit 2) when a named file can't be read, or holds nothing.
 */
export function findPassphrase(
  context: Pick<CliContext, 'cwd' | 'env' | 'secrets'>,
  folder: DataFolder,
  kind: PassphraseKind,
  flagFile?: string,
): string | undefined {
  const { name, variable } = places[kind];
  const named = flagFile ?? context.env[`${variable}_FILE`];
  if (named !== undefined) return readPassphrase(pathFrom(context, named));
  const given = kind === 'root' ? context.secrets.rootPassphrase : context.secrets.passphrase;
  if (given !== undefined) return notEmpty(given, variable);
  const credentials = context.env['CREDENTIALS_DIRECTORY'];
  for (const place of [credentials, folder.secrets]) {
    if (place === undefined) continue;
    const found = readPassphrase(join(place, name), 'may be missing');
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As {@link findPassphrase}. @throws CliFailure that names every place where one may be given. */
export function requirePassphrase(
  context: Pick<CliContext, 'cwd' | 'env' | 'secrets'>,
  folder: DataFolder,
  kind: PassphraseKind,
  flagFile?: string,
): string {
  const found = findPassphrase(context, folder, kind, flagFile);
  if (found !== undefined) return found;
  const { name, variable, flag } = places[kind];
  throw new CliFailure({
    code: 'passphrase_missing',
    message: `there is no passphrase for the ${kind === 'root' ? "root's" : "issuing CA's"} key`,
    mend: `give it with ${flag}, ${variable}_FILE, ${variable}, $CREDENTIALS_DIRECTORY/${name} or ${join(folder.secrets, name)}`,
  });
}

/** Makes a random passphrase (256 bits) and keeps it in DATA/secrets, readable by its owner only. */
export function makePassphrase(folder: DataFolder, kind: PassphraseKind): string {
  makeFolder(folder.secrets);
  const passphrase = randomBytes(32).toString('base64url');
  writeFileSync(join(folder.secrets, places[kind].name), `${passphrase}\n`, { mode: 0o600, flag: 'wx' });
  return passphrase;
}

function readPassphrase(path: string): string;
function readPassphrase(path: string, missing: 'may be missing'): string | undefined;
function readPassphrase(path: string, missing?: 'may be missing'): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (missing !== undefined && isMissing(error)) return undefined;
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new CliFailure({
      code: 'file_unreadable',
      message: `the passphrase file ${path} can't be read (${why})`,
      exit: 2,
      cause: error,
    });
  }
  return notEmpty(text.replace(/\r?\n$/u, ''), path);
}

function notEmpty(passphrase: string, place: string): string {
  if (passphrase !== '') return passphrase;
  throw new CliFailure({ code: 'passphrase_empty', message: `the passphrase in ${place} is empty`, exit: 2 });
}

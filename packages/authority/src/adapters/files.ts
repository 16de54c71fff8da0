import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '@countersign/trust/make-folder';
import { AuthorityError } from '../errors.ts';

/** The code of a failed system call. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A failed system call as our own error; anything else as it is. */
export function fileError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AuthorityError('storage_full', `cannot write ${path}`, { cause: error });
  }
  if (code === undefined || error instanceof AuthorityError) return error;
  return new AuthorityError('folder_broken', `${path}: ${code}`, { cause: error });
}

/** As {@link fileError}, for a file that somebody named to be written. */
export function outputError(error: unknown, path: string): unknown {
  const code = systemCode(error);
  if (code === 'EEXIST') return new AuthorityError('file_exists', path, { cause: error });
  const told = fileError(error, path);
  const isOther = told instanceof AuthorityError && told.code === 'folder_broken' && told !== error;
  return isOther ? new AuthorityError('file_unwritable', `${path}: ${code}`, { cause: error }) : told;
}

/** Makes the entries of a folder durable: a renamed file is only there after a power cut when its folder is synced. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes a file whole or not at all: beside its place, synced, then renamed. */
export async function writeFileDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    throw fileError(error, path);
  }
}

/** Makes a folder that only its owner can enter. */
export function makePrivateFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** A file's octets, or undefined where there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  }
}

/** A file's octets; throws `folder_broken` where there is none. */
export async function readRequired(path: string): Promise<Uint8Array> {
  const content = await readIfThere(path);
  if (content === undefined) throw new AuthorityError('folder_broken', `${path} is missing`);
  return content;
}

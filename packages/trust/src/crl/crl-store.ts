import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { TrustError } from '../errors.ts';
import { readOptional, replaceFile } from '../files/durable.ts';
import { sha256Hex } from '../verdict/key-hash.ts';
import type { LoadedCrl } from './accept-crl.ts';
import { placeOf } from './crl-shelf.ts';

/** A CRL as it was kept. */
export interface KeptCrl {
  /** The file or URL that it came from. */
  readonly source: string;
  readonly der: Uint8Array;
}

/** What was found in the folder. */
export interface KeptCrls {
  readonly crls: readonly KeptCrl[];
  /** Files that could not be read; what they were is not known any more. */
  readonly problems: readonly TrustError[];
}

/**
 * The last good CRLs of each bundle on disk, as their CAs signed them: after a restart nobody is unknown who was known
 * before, and no older list is taken for news. They are offered to a `CrlSet` like any other, which checks them anew.
 *
 * One writer per folder. Of several lists for one place that wait to be written only the newest is.
 */
export class CrlStore {
  readonly #folder: string;
  readonly #owed = new Map<string, { readonly file: string; readonly content: Uint8Array }>();
  #writing: Promise<void> | undefined;
  readonly #onProblem: (error: TrustError) => void;

  /**
   * @param folder made where it is missing (0700).
   * @param onProblem something could not be written; it is tried again with the next.
   */
  constructor(folder: string, onProblem: (error: TrustError) => void) {
    this.#folder = folder;
    this.#onProblem = onProblem;
  }

  /** The lists that were kept for a bundle. */
  async load(bundle: string): Promise<KeptCrls> {
    const folder = join(this.#folder, bundle);
    const crls: KeptCrl[] = [];
    const problems: TrustError[] = [];
    for (const name of await namesIn(folder)) {
      const file = join(folder, name);
      try {
        crls.push(parseKept(await readOptional(file)));
      } catch (error) {
        problems.push(new TrustError('state_malformed', 'is no kept CRL', { source: file, cause: error }));
      }
    }
    return { crls, problems };
  }

  /** Keeps a list in the place of the one before. Returns at once. */
  keep(bundle: string, crl: LoadedCrl, der: Uint8Array): void {
    const kind = crl.baseNumber === undefined ? 'complete' : 'delta';
    const file = join(this.#folder, bundle, `${sha256Hex(Buffer.from(`${kind} ${placeOf(crl)}`))}.crl`);
    const header = Buffer.from(`${JSON.stringify({ source: crl.source })}\n`);
    this.#owed.set(file, { file, content: Buffer.concat([header, der]) });
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when everything that was to be kept is on disk, or could not be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const failed = new Map<string, { readonly file: string; readonly content: Uint8Array }>();
    for (;;) {
      const [next] = this.#owed.values();
      if (next === undefined) break;
      this.#owed.delete(next.file);
      try {
        await mkdir(join(next.file, '..'), { recursive: true, mode: 0o700 });
        await replaceFile(next.file, next.content);
      } catch (error) {
        failed.set(next.file, next);
        this.#onProblem(new TrustError('state_unwritable', 'cannot be written', { source: next.file, cause: error }));
      }
    }
    for (const [file, save] of failed) if (!this.#owed.has(file)) this.#owed.set(file, save);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.crl')).toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function parseKept(content: Uint8Array): KeptCrl {
  const end = content.indexOf(0x0a);
  const header: unknown = JSON.parse(Buffer.from(content.subarray(0, Math.max(end, 0))).toString());
  const source = typeof header === 'object' && header !== null && 'source' in header ? header.source : undefined;
  if (typeof source !== 'string') throw new Error('no source');
  return { source, der: content.subarray(end + 1) };
}

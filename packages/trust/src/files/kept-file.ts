import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { TrustError } from '../errors.ts';
import { replaceFile } from './durable.ts';

/** A file that follows what changes: written behind those who change it, and of several contents that wait only the newest is. */
export class KeptFile {
  readonly path: string;
  readonly #onProblem: (error: TrustError) => void;
  #owed: (() => string | Uint8Array) | undefined;
  #writing: Promise<void> | undefined;

  /**
   * @param path its folder is made where it is missing (0700).
   * @param onProblem it could not be written; it is tried again with the next content.
   */
  constructor(path: string, onProblem: (error: TrustError) => void) {
    this.path = path;
    this.#onProblem = onProblem;
  }

  /** Puts this in the place of what was there. Returns at once; the content is made when its turn has come. */
  keep(content: () => string | Uint8Array): void {
    this.#owed = content;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when what was to be kept is on disk, or could not be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#owed !== undefined) {
      const content = this.#owed;
      this.#owed = undefined;
      try {
        await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
        await replaceFile(this.path, content());
      } catch (error) {
        this.#onProblem(new TrustError('state_unwritable', 'cannot be written', { source: this.path, cause: error }));
      }
    }
  }
}

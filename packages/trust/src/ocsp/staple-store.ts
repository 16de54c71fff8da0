import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { TrustError } from '../errors.ts';
import { readOptional, replaceFile } from '../files/durable.ts';

/** The last good OCSP response of a server's own certificate, on disk: a restart while responders are dead does without them. */
export class StapleStore {
  readonly #file: string;
  readonly #onProblem: (error: TrustError) => void;
  #owed: Uint8Array | undefined;
  #writing: Promise<void> | undefined;

  /** @param file its folder is made where it is missing (0700). */
  constructor(file: string, onProblem: (error: TrustError) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
  }

  /** What was kept, unread: it is verified before it is used. */
  async load(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readOptional(this.#file);
      return bytes.length === 0 ? undefined : bytes;
    } catch (error) {
      this.#onProblem(new TrustError('state_malformed', 'cannot be read', { source: this.#file, cause: error }));
      return undefined;
    }
  }

  /** Keeps this response in the place of the one before. Returns at once. */
  keep(der: Uint8Array): void {
    this.#owed = der;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when what was to be kept is on disk, or could not be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#owed !== undefined) {
      const der = this.#owed;
      this.#owed = undefined;
      try {
        await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
        await replaceFile(this.#file, der);
      } catch (error) {
        this.#onProblem(new TrustError('state_unwritable', 'cannot be written', { source: this.#file, cause: error }));
      }
    }
  }
}

import { TrustError } from '../errors.ts';
import { readOptional } from '../files/durable.ts';
import { KeptFile } from '../files/kept-file.ts';

/** The last good OCSP response of a server's own certificate, on disk: a restart while responders are dead does without them. */
export class StapleStore {
  readonly #file: KeptFile;
  readonly #onProblem: (error: TrustError) => void;

  /** @param file its folder is made where it is missing (0700). */
  constructor(file: string, onProblem: (error: TrustError) => void) {
    this.#file = new KeptFile(file, onProblem);
    this.#onProblem = onProblem;
  }

  /** What was kept, unread: it is verified before it is used. */
  async load(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await readOptional(this.#file.path);
      return bytes.length === 0 ? undefined : bytes;
    } catch (error) {
      const source = this.#file.path;
      this.#onProblem(new TrustError('state_malformed', 'cannot be read', { source, cause: error }));
      return undefined;
    }
  }

  /** Keeps this response in the place of the one before. Returns at once. */
  keep(der: Uint8Array): void {
    this.#file.keep(() => der);
  }

  /** Resolves when what was to be kept is on disk, or could not be written. */
  settled(): Promise<void> {
    return this.#file.settled();
  }
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A certificate (with its intermediates) and its private key: PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * A certificate and its key in two files, replaced together: NAME.crt, NAME.key (0600), and for the moment of a swap NAME.key.old.
 * Whenever a crash comes, one of the two keys is that of the certificate.
 */
export class PairFiles {
  readonly #cert: string;
  readonly #key: string;

  constructor(folder: string, name: string) {
    this.#cert = join(folder, `${name}.crt`);
    this.#key = join(folder, `${name}.key`);
  }

  /** The pair; undefined where there is none yet, or none that belongs together. */
  async read(): Promise<Pair | undefined> {
    const cert = await readOptional(this.#cert);
    if (cert === undefined) return undefined;
    const leaf = parseLeaf(cert);
    for (const path of [this.#key, `${this.#key}.old`]) {
      const key = await readOptional(path);
      if (leaf !== undefined && key !== undefined && belongs(leaf, key)) return { cert, key };
    }
    return undefined;
  }

  /** Replaces both files; what was there stays usable until it has. */
  async write({ cert, key }: Pair): Promise<void> {
    await mkdir(dirname(this.#key), { recursive: true, mode: 0o700 });
    await writeSynced(`${this.#key}.new`, key, 0o600);
    await writeSynced(`${this.#cert}.new`, cert, 0o644);
    await rm(`${this.#key}.old`, { force: true });
    await link(this.#key, `${this.#key}.old`).catch(ignoreMissing);
    await rename(`${this.#key}.new`, this.#key);
    await rename(`${this.#cert}.new`, this.#cert);
    await rm(`${this.#key}.old`, { force: true });
    const folder = await open(dirname(this.#key), 'r');
    await folder.sync().finally(() => folder.close());
  }
}

/** Replaces one file, so that a crash leaves the old one or the new one, whole. */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeSynced(`${path}.new`, content, mode);
  await rename(`${path}.new`, path);
}

/** The text of a file; undefined where there is none. */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeSynced(path: string, content: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

function parseLeaf(cert: string): X509Certificate | undefined {
  try {
    return new X509Certificate(cert);
  } catch {
    return undefined;
  }
}

function belongs(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

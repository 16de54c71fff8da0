import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { TrustError } from '../errors.ts';
import { readOptional, replaceFile } from '../files/durable.ts';
import { isRevocationReason } from '../revocation/revocation.ts';
import type { OcspAnswer } from './ocsp-answers.ts';

const VERSION = 1;

/**
 * The revocations that OCSP responders have told of, on disk: after a restart nobody comes in by the replay of an answer
 * from before his revocation. They can only refuse, so nothing of them needs to be signed; good answers are asked for anew.
 */
export class OcspStore {
  readonly #file: string;
  readonly #onProblem: (error: TrustError) => void;
  #owed: readonly OcspAnswer[] | undefined;
  #writing: Promise<void> | undefined;

  /** @param file its folder is made where it is missing (0700). */
  constructor(file: string, onProblem: (error: TrustError) => void) {
    this.#file = file;
    this.#onProblem = onProblem;
  }

  /** The revocations that were kept; what cannot be read is told. */
  async load(): Promise<readonly OcspAnswer[]> {
    const bytes = await readOptional(this.#file);
    if (bytes.length === 0) return [];
    try {
      const content: unknown = JSON.parse(Buffer.from(bytes).toString());
      if (!isRecord(content) || content['version'] !== VERSION || !Array.isArray(content['revoked'])) {
        throw new Error('of another form');
      }
      return content['revoked'].map(readAnswer);
    } catch (error) {
      this.#onProblem(new TrustError('state_malformed', 'holds no OCSP answers', { source: this.#file, cause: error }));
      return [];
    }
  }

  /** Keeps these in the place of those before. Returns at once. */
  keep(revoked: readonly OcspAnswer[]): void {
    this.#owed = revoked;
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
  }

  /** Resolves when what was to be kept is on disk, or could not be written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#owed !== undefined) {
      const revoked = this.#owed;
      this.#owed = undefined;
      try {
        await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
        await replaceFile(this.#file, JSON.stringify({ version: VERSION, revoked }));
      } catch (error) {
        this.#onProblem(new TrustError('state_unwritable', 'cannot be written', { source: this.#file, cause: error }));
      }
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function readAnswer(value: unknown): OcspAnswer {
  if (!isRecord(value)) throw new Error('no answer');
  const text = (name: string): string => {
    const found = value[name];
    if (typeof found !== 'string' || !/^[0-9a-f]+$/u.test(found)) throw new Error(`${name} is no hexadecimal text`);
    return found;
  };
  const time = (name: string): number => {
    const found = value[name];
    if (typeof found !== 'number' || !Number.isFinite(found)) throw new Error(`${name} is no time`);
    return found;
  };
  const reason = value['reason'];
  return {
    issuerKeyHash: text('issuerKeyHash'),
    serialHex: text('serialHex'),
    status: 'revoked',
    reason: typeof reason === 'string' && isRevocationReason(reason) ? reason : 'unspecified',
    revokedAt: time('revokedAt'),
    thisUpdate: time('thisUpdate'),
    producedAt: time('producedAt'),
    freshUntil: time('freshUntil'),
    refreshAt: time('refreshAt'),
    notAfter: time('notAfter'),
  };
}

import { TrustError } from '../errors.ts';
import { readOptional } from '../files/durable.ts';
import { KeptFile } from '../files/kept-file.ts';
import { isRevocationReason } from '../revocation/revocation.ts';
import type { OcspAnswer } from './ocsp-answers.ts';

const VERSION = 1;

/**
 * The revocations that OCSP responders have told of, on disk: after a restart nobody comes in by the replay of an answer
 * from before his revocation. They can only refuse, so nothing of them needs to be signed; good answers are asked for anew.
 */
export class OcspStore {
  readonly #file: KeptFile;
  readonly #onProblem: (error: TrustError) => void;

  /** @param file its folder is made where it is missing (0700). */
  constructor(file: string, onProblem: (error: TrustError) => void) {
    this.#file = new KeptFile(file, onProblem);
    this.#onProblem = onProblem;
  }

  /** The revocations that were kept; what cannot be read is told. */
  async load(): Promise<readonly OcspAnswer[]> {
    const bytes = await readOptional(this.#file.path);
    if (bytes.length === 0) return [];
    try {
      const content: unknown = JSON.parse(Buffer.from(bytes).toString());
      if (!isRecord(content) || content['version'] !== VERSION || !Array.isArray(content['revoked'])) {
        throw new Error('of another form');
      }
      return content['revoked'].map(readAnswer);
    } catch (error) {
      const source = this.#file.path;
      this.#onProblem(new TrustError('state_malformed', 'holds no OCSP answers', { source, cause: error }));
      return [];
    }
  }

  /** Keeps these in the place of those before. Returns at once. */
  keep(revoked: readonly OcspAnswer[]): void {
    this.#file.keep(() => JSON.stringify({ version: VERSION, revoked }));
  }

  /** Resolves when what was to be kept is on disk, or could not be written. */
  settled(): Promise<void> {
    return this.#file.settled();
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

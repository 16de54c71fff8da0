import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '..');
const maxFileBytes = 8 << 20;
const maxSeedBytes = 24 << 10;

export interface Blob {
  /** The label of its PEM block; empty for a file of DER. */
  readonly label: string;
  readonly file: string;
  readonly bytes: Uint8Array;
}

let cached: readonly Blob[] | undefined;

/** Every PEM block and every DER file among the vectors in the repository, each once. */
export function vectorBlobs(): readonly Blob[] {
  if (cached !== undefined) return cached;
  const blobs = new Map<string, Blob>();
  for (const file of vectorFiles()) {
    for (const blob of readBlobs(file)) {
      if (blob.bytes.length <= maxSeedBytes) blobs.set(Buffer.from(blob.bytes).toString('base64'), blob);
    }
  }
  cached = [...blobs.values()];
  return cached;
}

/** Every file among the vectors whose name ends so, as it is. */
export function vectorTexts(ending: string): readonly Uint8Array[] {
  return vectorFiles()
    .filter((file) => file.endsWith(ending))
    .map((file) => new Uint8Array(readFileSync(file)))
    .filter(({ length }) => length <= maxSeedBytes);
}

function vectorFiles(): string[] {
  return globSync('{packages,test,scripts}/**/vectors/**/*', { cwd: repository, exclude: ['**/node_modules/**'] })
    .toSorted()
    .map((file) => join(repository, file))
    .filter((file) => statSync(file).isFile() && statSync(file).size <= maxFileBytes);
}

function readBlobs(file: string): Blob[] {
  const bytes = new Uint8Array(readFileSync(file));
  if (bytes[0] === 0x30) return [{ label: '', file, bytes }];
  // Line ends are spelled out in JSON.
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(String.raw`\n`, '\n');
  return Array.from(
    text.matchAll(/-----BEGIN ([^-\n]+)-----([^-]+)-----END \1-----/g),
    ([, label = '', body = '']) => ({
      label,
      file,
      bytes: new Uint8Array(Buffer.from(body, 'base64')),
    }),
  );
}

/**
 * Seeds for a parser: what it accepts among the vectors, and what it refuses but was meant for it.
 *
 * @param labels of PEM blocks that are meant for it
 */
export function seedsFor(
  labels: readonly string[],
  accepts: (bytes: Uint8Array) => unknown,
  most = 250,
): readonly Uint8Array[] {
  const good: Uint8Array[] = [];
  const bad: Uint8Array[] = [];
  for (const { label, bytes } of vectorBlobs()) {
    if (label !== '' && !labels.includes(label)) continue;
    try {
      accepts(bytes);
      good.push(bytes);
    } catch {
      if (labels.includes(label)) bad.push(bytes);
    }
  }
  return [...spread(good, most), ...spread(bad, most / 2)];
}

/** At most `most`, taken evenly. */
function spread<T>(list: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, list.length / most);
  return Array.from({ length: Math.min(list.length, Math.floor(most)) }, (_, i) => list[Math.floor(i * step)] as T);
}

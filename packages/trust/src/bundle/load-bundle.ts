import type { Crypto } from '@countersign/pki';

import { nodeCrypto } from '../crypto/node-crypto.ts';
import { TrustError } from '../errors.ts';
import { realFiles, watchFiles } from '../files/watch-files.ts';
import type { FilePort, FileWatch } from '../files/watch-files.ts';
import { makeBundle } from './bundle.ts';
import type { Bundle } from './bundle.ts';

export interface BundleOptions {
  readonly name: string;
  /** CA certificates, PEM or DER: self-signed ones are anchors, others intermediates. */
  readonly files: readonly string[];
  /** CA certificates that are anchors although not self-signed. */
  readonly anchorsFile?: string | undefined;
  readonly port?: FilePort | undefined;
  readonly crypto?: Crypto | undefined;
}

/**
 * Reads the files of a bundle. There is no fallback: a file that is missing, unreadable, empty or of another kind refuses.
 *
 * @throws TrustError `trust_file_…`
 * @example
 * const bundle = await loadBundle({ name: 'partners', files: ['/etc/countersign/partners.pem'] });
 */
export async function loadBundle(options: BundleOptions): Promise<Bundle> {
  const { port = realFiles } = options;
  const contents = await Promise.all(sources(options).map((file) => readTrustFile(file, port)));
  return assemble(options, contents);
}

/**
 * Reads the files of a bundle and follows their changes. Rejects as {@link loadBundle} does; later a broken change keeps the
 * last good bundle and is told to `onBroken`.
 */
export function watchBundle(
  options: BundleOptions & {
    readonly onChange: (bundle: Bundle) => void;
    readonly onBroken: (error: unknown) => void;
    readonly pollMs?: number;
    readonly settleMs?: number;
  },
): Promise<FileWatch<Bundle>> {
  const { port = realFiles, onChange, onBroken, pollMs, settleMs } = options;
  return watchFiles({
    files: sources(options),
    load: (contents) => assemble(options, contents),
    onChange,
    onBroken,
    port: { ...port, read: (file) => readTrustFile(file, port), watchDirectory: port.watchDirectory.bind(port) },
    ...(pollMs === undefined ? {} : { pollMs }),
    ...(settleMs === undefined ? {} : { settleMs }),
  });
}

/** Reads a file that trust rests on; what is wrong with it becomes a TrustError. */
export async function readTrustFile(source: string, port: FilePort = realFiles): Promise<Uint8Array> {
  try {
    return await port.read(source);
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const missing = errno === 'ENOENT' || errno === 'ENOTDIR';
    const code = missing ? 'trust_file_missing' : 'trust_file_unreadable';
    throw new TrustError(code, missing ? 'does not exist' : `cannot be read (${errno})`, { source, cause: error });
  }
}

function sources(options: BundleOptions): string[] {
  return options.anchorsFile === undefined ? [...options.files] : [...options.files, options.anchorsFile];
}

function assemble(options: BundleOptions, contents: readonly Uint8Array[]): Bundle {
  const files = sources(options).map((source, index) => ({
    source,
    bytes: contents[index] ?? new Uint8Array(),
    anchorsOnly: index >= options.files.length,
  }));
  return makeBundle(options.name, files, options.crypto ?? nodeCrypto);
}

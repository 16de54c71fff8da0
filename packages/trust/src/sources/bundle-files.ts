import type { FileWatch } from '../files/watch-files.ts';
import { loadBundle, readTrustFile } from '../bundle/load-bundle.ts';
import { makeBundle, readSigners } from '../bundle/bundle.ts';
import { nodeCrypto } from '../crypto/node-crypto.ts';
import { watchFiles } from '../files/watch-files.ts';
import type { BundleSettings } from './settings.ts';
import type { BundleUpdate } from './trust-update.ts';

export interface BundleFilesOptions {
  /** A bundle has changed, and the new one is good. */
  readonly onChange: (update: BundleUpdate) => void;
  readonly shout: (message: string) => void;
  readonly pollMs?: number;
}

/** The bundles of the configuration, followed as their files change. */
export interface BundleFiles {
  readonly updates: readonly BundleUpdate[];
  stop(): void;
}

/**
 * Reads the bundles of the configuration and follows their files. There is no fallback: a file that is missing, unreadable,
 * empty or of another kind refuses the start; later a broken change keeps the last good bundle and shouts.
 *
 * @throws TrustError
 */
export async function watchBundleFiles(
  bundles: readonly BundleSettings[],
  options: BundleFilesOptions,
): Promise<BundleFiles> {
  const watches: FileWatch<BundleUpdate>[] = [];
  const stop = () => {
    for (const watch of watches) watch.stop();
  };
  try {
    for (const bundle of bundles) watches.push(await watchBundle(bundle, options));
  } catch (error) {
    stop();
    throw error;
  }
  return {
    get updates() {
      return watches.map((watch) => watch.value);
    },
    stop,
  };
}

async function watchBundle(bundle: BundleSettings, options: BundleFilesOptions): Promise<FileWatch<BundleUpdate>> {
  // Once before it is followed: what is wrong with a file is told in its words.
  await loadBundle(bundle);
  const { signerFiles } = bundle.revocation;
  const trusted = bundle.anchorsFile === undefined ? bundle.files : [...bundle.files, bundle.anchorsFile];
  const files = [...trusted, ...signerFiles];
  for (const source of signerFiles) readSigners({ source, bytes: await readTrustFile(source) });
  const load = (contents: readonly Uint8Array[]): BundleUpdate => {
    const read = contents.map((bytes, index) => ({
      source: files[index] ?? '',
      bytes,
      anchorsOnly: index >= bundle.files.length,
    }));
    const update = {
      kind: 'bundle',
      name: bundle.name,
      files: read.slice(0, trusted.length),
      signers: read.slice(trusted.length),
    } as const;
    makeBundle(bundle.name, update.files, nodeCrypto);
    for (const file of update.signers) readSigners(file);
    return update;
  };
  return watchFiles({
    files,
    load,
    onChange: options.onChange,
    onBroken: (error) =>
      options.shout(
        `bundle ${bundle.name}: the changed files cannot be used, the last good ones stay: ${error instanceof Error ? error.message : String(error)}`,
      ),
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
  });
}

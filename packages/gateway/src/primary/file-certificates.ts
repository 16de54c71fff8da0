import { type FileWatch, watchFiles, words } from '@countersign/trust';
import type { CertificateSource, GatewayConfig } from '../config/config.ts';
import { type CheckedCertificate, checkServerCertificate } from './server-certificate.ts';

export interface FileCertificatesOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onChange: (certificate: CheckedCertificate) => void;
  readonly warn: (message: string) => void;
  readonly pollMs?: number;
}

/** The server certificates that come from files, followed as they change. */
export interface FileCertificates {
  readonly certificates: readonly CheckedCertificate[];
  stop(): void;
}

/**
 * Loads every certificate of the configuration that comes from files, and follows them: a good change is told, a broken one
 * keeps the last good pair and shouts.
 *
 * @throws Error naming the file, where one cannot be used at the start
 */
export async function watchFileCertificates(
  config: GatewayConfig,
  options: FileCertificatesOptions,
): Promise<FileCertificates> {
  const watches: FileWatch<CheckedCertificate>[] = [];
  for (const [source, names] of fileSources(config)) {
    try {
      watches.push(await watchOne(source, names, options));
    } catch (error) {
      for (const watch of watches) watch.stop();
      throw new Error(`certificate ${source.cert} with key ${source.key}: ${words(error)}`, { cause: error });
    }
  }
  return {
    get certificates() {
      return watches.map((watch) => watch.value);
    },
    stop() {
      for (const watch of watches) watch.stop();
    },
  };
}

type FileSource = CertificateSource & { readonly from: 'files' };

/** Each source once, with the names of all hosts that show it. */
function fileSources(config: GatewayConfig): ReadonlyMap<FileSource, readonly string[]> {
  const byId = new Map<string, { source: FileSource; names: string[] }>();
  for (const host of config.listeners.flatMap((listener) => listener.hosts)) {
    if (host.certificate.from !== 'files') continue;
    const known = byId.get(host.certificate.id);
    if (known === undefined) byId.set(host.certificate.id, { source: host.certificate, names: [...host.names] });
    else known.names.push(...host.names);
  }
  return new Map([...byId.values()].map(({ source, names }) => [source, names]));
}

function watchOne(
  source: FileSource,
  names: readonly string[],
  options: FileCertificatesOptions,
): Promise<FileWatch<CheckedCertificate>> {
  const load = (contents: readonly Uint8Array[]) => {
    const [cert, key] = contents.map((bytes) => Buffer.from(bytes).toString('utf8'));
    const checked = checkServerCertificate({ id: source.id, cert: cert ?? '', key: key ?? '' }, names, options.now());
    for (const warning of checked.warnings) options.warn(`${source.cert}: ${warning}`);
    return checked;
  };
  return watchFiles({
    files: [source.cert, source.key],
    load,
    onChange: options.onChange,
    onBroken: (error) =>
      options.warn(
        `${source.cert}: the changed files cannot be used, the last good certificate stays: ${words(error)}`,
      ),
    ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
  });
}

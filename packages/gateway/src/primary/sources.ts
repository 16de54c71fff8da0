import { TrustSources, type TrustSourcesOptions } from '@countersign/trust';
import type { GatewayConfig } from '../config/config.ts';
import type { OperatorLog } from '../log/operator-log.ts';
import { type FileCertificates, watchFileCertificates } from './file-certificates.ts';
import type { CheckedCertificate } from './server-certificate.ts';
import { GatewayStartError } from './start-error.ts';

export interface SourcesOptions extends Omit<TrustSourcesOptions, 'before' | 'info' | 'warn' | 'shout'> {
  readonly log: OperatorLog;
  /** Those of the configuration of before. */
  readonly before: Sources | undefined;
  readonly onCertificate: (certificate: CheckedCertificate) => void;
}

/** Everything that one configuration takes from files and URLs, followed as it changes: certificates, bundles, CRLs. */
export class Sources {
  readonly trust: TrustSources;
  readonly #files: FileCertificates;

  /**
   * Loads everything once, and goes on following.
   *
   * @throws TrustError, GatewayStartError
   */
  static async open(config: GatewayConfig, options: SourcesOptions): Promise<Sources> {
    const { log, before, onCertificate, ...rest } = options;
    const files = await watchFileCertificates(config, {
      now: options.now,
      onChange: onCertificate,
      warn: (message) => log.warn(message),
    }).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      throw new GatewayStartError('certificate_unusable', message, { cause: error });
    });
    try {
      const trust = await TrustSources.open([...config.bundles.values()], {
        ...rest,
        before: before?.trust,
        info: (message) => log.info(message),
        warn: (message) => log.warn(message),
        shout: (message) => log.error(message),
      });
      return new Sources(files, trust);
    } catch (error) {
      files.stop();
      throw error;
    }
  }

  private constructor(files: FileCertificates, trust: TrustSources) {
    this.#files = files;
    this.trust = trust;
  }

  get certificates(): readonly CheckedCertificate[] {
    return this.#files.certificates;
  }

  stop(): void {
    this.#files.stop();
    this.trust.stop();
  }
}

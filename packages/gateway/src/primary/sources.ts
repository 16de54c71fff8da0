import { parseCertificate } from '@countersign/pki';
import type { CrlStore } from '@countersign/trust';
import type { GatewayConfig } from '../config/config.ts';
import type { OperatorLog } from '../log/operator-log.ts';
import type { CrlFact, CrlSourceFact, OcspFact } from '../metrics/primary-metrics.ts';
import type { StatusQuestionData } from '../worker/messages.ts';
import type { TrustUpdate } from '../worker/trust-update.ts';
import { type BundleFiles, watchBundleFiles } from './bundle-files.ts';
import { CrlFollowers } from './crl-followers.ts';
import { OcspDesks } from './ocsp-desks.ts';
import { type FileCertificates, watchFileCertificates } from './file-certificates.ts';
import type { CheckedCertificate } from './server-certificate.ts';
import { GatewayStartError } from './start-error.ts';

export interface SourcesOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  readonly log: OperatorLog;
  /** Where the last good CRLs are kept; undefined: nowhere. */
  readonly crlStore: CrlStore | undefined;
  /** Where revocations of OCSP responders are kept; undefined: nowhere. */
  readonly ocspFolder: string | undefined;
  /** Those of the configuration of before. */
  readonly before: Sources | undefined;
  /** CAs of paths that workers have verified so far: DER. */
  readonly intermediates: readonly Uint8Array[];
  readonly onCertificate: (certificate: CheckedCertificate) => void;
  /** A bundle or a CRL has changed, or an OCSP responder has answered. */
  readonly onTrust: (update: Extract<TrustUpdate, { kind: 'bundle' | 'crl' | 'ocsp' }>) => void;
}

/** Everything that one configuration takes from files and URLs, followed as it changes: certificates, bundles, CRLs. */
export class Sources {
  readonly #files: FileCertificates;
  readonly #bundles: BundleFiles;
  readonly #crls: CrlFollowers;
  readonly #ocsp: OcspDesks;
  /** The CRLs in use, by bundle and source. */
  readonly #lists: ReadonlyMap<string, TrustUpdate>;

  /**
   * Loads everything once, and goes on following. CRLs that cannot be had are no error: without them nobody is admitted, but
   * they may come.
   *
   * @throws TrustError, GatewayStartError
   */
  static async open(config: GatewayConfig, options: SourcesOptions): Promise<Sources> {
    const { now, random, log } = options;
    const files = await watchFileCertificates(config, {
      now,
      onChange: options.onCertificate,
      warn: (message) => log.warn(message),
    }).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      throw new GatewayStartError('certificate_unusable', message, { cause: error });
    });
    const lists = new Map<string, TrustUpdate>();
    const crls = new CrlFollowers({
      now,
      random,
      store: options.crlStore,
      onCrl(update) {
        lists.set(`${update.bundle} ${update.toldAs}`, update);
        options.onTrust(update);
      },
      info: (message) => log.info(message),
      warn: (message) => log.warn(message),
      shout: (message) => log.error(message),
    });
    const ocsp = new OcspDesks({
      now,
      random,
      folder: options.ocspFolder,
      statusOf: (bundle, certificate, issuer) => crls.statusOf(bundle, certificate, issuer),
      onAnswers: options.onTrust,
      info: (message) => log.info(message),
      shout: (message) => log.error(message),
    });
    const bundles = [...config.bundles.values()];
    try {
      const watched = await watchBundleFiles(bundles, {
        onChange(update) {
          log.info(`bundle ${update.name} has changed`);
          crls.setBundle(update);
          ocsp.setBundle(update);
          options.onTrust(update);
        },
        shout: (message) => log.error(message),
      });
      const { before } = options;
      await ocsp.start(bundles, watched.updates, before === undefined ? undefined : before.#ocsp);
      await crls.start(bundles, watched.updates);
      crls.learn(options.intermediates);
      return new Sources({ files, bundles: watched, crls, ocsp, lists });
    } catch (error) {
      files.stop();
      ocsp.stop();
      throw error;
    }
  }

  private constructor(parts: {
    readonly files: FileCertificates;
    readonly bundles: BundleFiles;
    readonly crls: CrlFollowers;
    readonly ocsp: OcspDesks;
    readonly lists: ReadonlyMap<string, TrustUpdate>;
  }) {
    this.#files = parts.files;
    this.#bundles = parts.bundles;
    this.#crls = parts.crls;
    this.#ocsp = parts.ocsp;
    this.#lists = parts.lists;
  }

  get certificates(): readonly CheckedCertificate[] {
    return this.#files.certificates;
  }

  /** What a worker has to know of these bundles. */
  standing(): readonly TrustUpdate[] {
    return [...this.#bundles.updates, ...this.#lists.values(), ...this.#ocsp.standing()];
  }

  /** The CRLs in use. */
  crls(): readonly CrlFact[] {
    return this.#crls.facts();
  }

  /** The files and URLs that CRLs come from. */
  crlSources(): readonly CrlSourceFact[] {
    return this.#crls.sources();
  }

  /** What was asked of OCSP responders. */
  ocsp(): readonly OcspFact[] {
    return this.#ocsp.facts();
  }

  /**
   * Asks for the status of certificates of a trusted chain, all at once; resolves when everything that can be had is told to the
   * workers.
   *
   * @param signal - nobody waits any more; absent: nobody ever did
   */
  async ask(bundle: string, questions: readonly StatusQuestionData[], signal?: AbortSignal): Promise<void> {
    const asking = questions.flatMap((question) => {
      const [certificate, issuer] = [parseCertificate(question.certificate), parseCertificate(question.issuer)];
      return [
        this.#ocsp.ask(bundle, certificate, issuer, signal),
        this.#crls.find(bundle, certificate, issuer, signal),
      ];
    });
    await Promise.all(asking);
  }

  /** Resolves when what is to be kept is on disk. */
  settled(): Promise<void> {
    return this.#ocsp.settled();
  }

  /** Takes in CAs of paths that workers have verified: DER. */
  learn(certificates: readonly Uint8Array[]): void {
    this.#crls.learn(certificates);
  }

  stop(): void {
    this.#files.stop();
    this.#bundles.stop();
    this.#crls.stop();
    this.#ocsp.stop();
  }
}

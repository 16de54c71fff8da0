import { parseCertificate } from '@countersign/pki';

import type { CrlStore } from '../crl/crl-store.ts';
import type { StatusQuestionData } from '../live/status-due.ts';
import { watchBundleFiles } from './bundle-files.ts';
import type { BundleFiles } from './bundle-files.ts';
import { CrlFollowers } from './crl-followers.ts';
import { OcspDesks } from './ocsp-desks.ts';
import type { BundleSettings } from './settings.ts';
import type { CrlFact, CrlSourceFact, OcspFact } from './source-facts.ts';
import type { BundleUpdate, CrlUpdate, OcspUpdate, TrustUpdate } from './trust-update.ts';

export interface TrustSourcesOptions {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Where the last good CRLs are kept; undefined: nowhere. */
  readonly crlStore: CrlStore | undefined;
  /** Where revocations of OCSP responders are kept; undefined: nowhere. */
  readonly ocspFolder: string | undefined;
  /** Those of the configuration of before. */
  readonly before: TrustSources | undefined;
  /** CAs of paths that were verified so far: DER. */
  readonly intermediates: readonly Uint8Array[];
  /** A bundle or a CRL has changed, or an OCSP responder has answered. */
  readonly onTrust: (update: BundleUpdate | CrlUpdate | OcspUpdate) => void;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly shout: (message: string) => void;
}

/** The bundles of one configuration and what tells of their revocations, followed as files, URLs and responders change. */
export class TrustSources {
  readonly #bundles: BundleFiles;
  readonly #crls: CrlFollowers;
  readonly #ocsp: OcspDesks;
  /** The CRLs in use, by bundle and source. */
  readonly #lists: ReadonlyMap<string, TrustUpdate>;

  /**
   * Loads everything once, and goes on following. CRLs that cannot be had are no error: without them nobody is admitted, but
   * they may come.
   *
   * @param given bundles that are not of files: a set of settings without files has its CAs from here, and from {@link setBundle}.
   * @throws TrustError
   */
  static async open(
    settings: readonly BundleSettings[],
    options: TrustSourcesOptions,
    given: readonly BundleUpdate[] = [],
  ): Promise<TrustSources> {
    const { now, random, onTrust, info, warn, shout } = options;
    const lists = new Map<string, TrustUpdate>();
    const crls = new CrlFollowers({
      now,
      random,
      store: options.crlStore,
      onCrl(update) {
        lists.set(`${update.bundle} ${update.toldAs}`, update);
        onTrust(update);
      },
      info,
      warn,
      shout,
    });
    const ocsp = new OcspDesks({
      now,
      random,
      folder: options.ocspFolder,
      statusOf: (bundle, certificate, issuer) => crls.statusOf(bundle, certificate, issuer),
      onAnswers: onTrust,
      info,
      shout,
    });
    const names = new Set(given.map(({ name }) => name));
    const bundles = await watchBundleFiles(
      settings.filter(({ name }) => !names.has(name)),
      {
        onChange(update) {
          info(`bundle ${update.name} has changed`);
          crls.setBundle(update);
          ocsp.setBundle(update);
          onTrust(update);
        },
        shout,
      },
    );
    try {
      const { before } = options;
      const updates = [...bundles.updates, ...given];
      await ocsp.start(settings, updates, before === undefined ? undefined : before.#ocsp);
      await crls.start(settings, updates);
      crls.learn(options.intermediates);
      return new TrustSources({ bundles, crls, ocsp, lists });
    } catch (error) {
      bundles.stop();
      ocsp.stop();
      throw error;
    }
  }

  private constructor(parts: {
    readonly bundles: BundleFiles;
    readonly crls: CrlFollowers;
    readonly ocsp: OcspDesks;
    readonly lists: ReadonlyMap<string, TrustUpdate>;
  }) {
    this.#bundles = parts.bundles;
    this.#crls = parts.crls;
    this.#ocsp = parts.ocsp;
    this.#lists = parts.lists;
  }

  /** What whoever judges has to know of these bundles, but for those that were given. */
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
   * Asks for the status of certificates of a trusted chain, all at once; resolves when everything that can be had is told.
   *
   * @param signal nobody waits any more; absent: nobody ever did
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

  /** Other CAs for a bundle that was given. */
  setBundle(update: BundleUpdate): void {
    this.#crls.setBundle(update);
    this.#ocsp.setBundle(update);
  }

  /** Resolves when what is to be kept is on disk. */
  settled(): Promise<void> {
    return this.#ocsp.settled();
  }

  /** Takes in CAs of paths that were verified: DER. */
  learn(certificates: readonly Uint8Array[]): void {
    this.#crls.learn(certificates);
  }

  stop(): void {
    this.#bundles.stop();
    this.#crls.stop();
    this.#ocsp.stop();
  }
}

import type { Bundle } from '../bundle/bundle.ts';
import { CombinedSource } from '../state/combined-source.ts';
import { CrlSet } from '../crl/crl-set.ts';
import type { LoadedCrl } from '../crl/accept-crl.ts';
import { makeBundle, maySignCrls, readSigners } from '../bundle/bundle.ts';
import { nodeCrypto } from '../crypto/node-crypto.ts';
import type { OcspAnswer } from '../ocsp/ocsp-answers.ts';
import { OcspAnswers } from '../ocsp/ocsp-answers.ts';
import { OcspSource } from '../ocsp/ocsp-source.ts';
import type { RevocationSource } from '../state/revocation-source.ts';
import type { BundleSettings, CrlPlace } from './settings.ts';
import type { BundleUpdate } from './trust-update.ts';

/** What speaks for the revocation of one bundle's certificates, where news are followed and where they are judged by. */
export interface BundleSources {
  readonly crls: CrlSet | undefined;
  readonly ocsp: OcspSource | undefined;
  /** Both, as the configuration combines them; undefined: nothing is asked. */
  readonly source: RevocationSource | undefined;
}

export interface BundleSourcesOptions {
  /** A CRL has come into use. */
  readonly onCrl?: (crl: LoadedCrl, der: Uint8Array) => void;
  /** Whether something alive rests on an answer. */
  readonly isPinned?: (answer: OcspAnswer) => boolean;
}

/** Makes the sources of a bundle, empty yet. */
export function createSources(bundle: BundleSettings, options: BundleSourcesOptions = {}): BundleSources {
  const { revocation, name } = bundle;
  const { staleness } = revocation;
  const crls =
    revocation.crls === undefined
      ? undefined
      : new CrlSet({
          name,
          crypto: nodeCrypto,
          expected: revocation.crls.sources.map(crlSourceName),
          isOpen: revocation.crls.distributionPoints,
          staleness,
          onLoaded: options.onCrl,
        });
  const ocsp =
    revocation.ocsp === undefined
      ? undefined
      : new OcspSource({
          name,
          answers: new OcspAnswers({ maxCount: revocation.ocsp.maxAnswers, isPinned: options.isPinned }),
          staleness,
          hasResponders: revocation.ocsp.urls.length > 0,
        });
  if (crls === undefined || ocsp === undefined) return { crls, ocsp, source: crls ?? ocsp };
  const [first, second] = revocation.order === 'crl-first' ? [crls, ocsp] : [ocsp, crls];
  return { crls, ocsp, source: new CombinedSource({ first, second, fallback: revocation.fallback }) };
}

/** Tells a set of CRLs whose word counts now. */
export function setIssuers(crls: CrlSet | undefined, update: BundleUpdate): void {
  crls?.setIssuers(bundleOf(update), update.signers.flatMap(readSigners).filter(maySignCrls));
}

/** The bundle that an update speaks of. */
export function bundleOf(update: BundleUpdate): Bundle {
  return makeBundle(update.name, update.files, nodeCrypto);
}

/** Under what a CRL's source is known. */
export function crlSourceName(source: CrlPlace): string {
  return 'file' in source ? source.file : source.url.href;
}

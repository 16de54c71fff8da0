import { resolve } from 'node:path';

import { CRL_STALENESS, SOURCE_DEFAULTS } from '@countersign/trust';
import type { BundleSettings, RevocationSettings, Staleness } from '@countersign/trust';

import { SdkError } from '../errors.ts';

/** Where CRLs come from: complete, delta, partitioned, indirect. */
export type CrlPlaceOptions = { readonly file: string } | { readonly url: string | URL; readonly everyMs?: number };

export interface OcspOptions {
  /** Absent: the responders that certificates name. */
  readonly urls?: readonly (string | URL)[];
  /** `off` by default: answers signed ahead have none. */
  readonly nonce?: 'off' | 'optional' | 'required';
  /** For one responder, milliseconds; 10 s by default. */
  readonly timeoutMs?: number;
  /** How often an answer is asked for again, milliseconds; an hour by default, and in any case ahead of its end. */
  readonly everyMs?: number;
  /** How old a thisUpdate may be, milliseconds. */
  readonly maxAgeMs?: number;
  /** Whether a responder whose certificate has no `nocheck` must be known not to be revoked; `required` by default. */
  readonly responderRevocation?: 'required' | 'ignored';
  /** How many answers are kept; 20,000 by default. */
  readonly maxAnswers?: number;
}

/** How the revocation of the certificates of some CAs is known. */
export interface RevocationOptions {
  /** What happens when news are too old, or were never had: `hard` (the default) refuses, `soft` admits and tells. */
  readonly mode?: 'hard' | 'soft';
  /** How long news may be used after their end, milliseconds; by default not at all (`nextUpdate`). */
  readonly maxStaleMs?: number | 'nextUpdate';
  readonly crls?: readonly CrlPlaceOptions[];
  /** Whether CRLs are fetched also from where the certificates of a trusted chain say. */
  readonly distributionPoints?: boolean;
  /** OCSP responders are asked. With CRLs too, one of them is enough. */
  readonly ocsp?: OcspOptions | true;
  /** With both: which is asked first; `crl-first` by default, so that nobody waits whom a CRL covers. */
  readonly order?: 'crl-first' | 'ocsp-first';
  /** With both: false asks that both speak. */
  readonly fallback?: boolean;
  /** PEM files of certificates, not of CAs, that may sign indirect CRLs (cRLSign) or OCSP answers (OCSPSigning). */
  readonly signers?: readonly string[];
  /** How long a connection waits for news about its certificates that are not here, milliseconds; 2 s by default. */
  readonly waitMs?: number;
  /** Addresses, ranges and hosts that may be fetched from besides public ones and those in the URLs of these options. */
  readonly allowAddresses?: readonly string[];
  /** How long before a CRL ends the alarm is raised, milliseconds; a quarter of its lifetime by default. */
  readonly alarmBeforeMs?: number;
}

/** Further CAs whose clients come in. */
export interface BundleOptions {
  /** CA certificates, PEM or DER: self-signed ones are anchors, others intermediates. */
  readonly files: readonly string[];
  /** CA certificates that are anchors although not self-signed. */
  readonly anchorsFile?: string;
  /** `off`: revocation by these CAs is not asked for. */
  readonly revocation: RevocationOptions | 'off';
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/u;

/**
 * Reads how one bundle is to be had.
 *
 * @throws SdkError `server_options` for what contradicts itself: revocation asked for with nothing to ask is none.
 */
export function bundleSettings(name: string, { files, anchorsFile, revocation }: BundleOptions): BundleSettings {
  if (!NAME.test(name)) throw misuse(`bundles.${name}: the name is not of lower-case letters, digits and hyphens`);
  return {
    name,
    files: files.map((file) => resolve(file)),
    anchorsFile: anchorsFile === undefined ? undefined : resolve(anchorsFile),
    revocation: revocationSettings(name, revocation),
  };
}

function revocationSettings(name: string, options: RevocationOptions | 'off'): RevocationSettings {
  const given: RevocationOptions = options === 'off' ? {} : options;
  const { crls = [], distributionPoints = false, ocsp } = given;
  const hasCrls = crls.length > 0 || distributionPoints;
  if (options !== 'off' && !hasCrls && ocsp === undefined) {
    throw misuse(`${name}: revocation names nothing to ask: crls, distributionPoints or ocsp (or 'off')`);
  }
  return {
    staleness: stalenessOf(options),
    crls: hasCrls ? { sources: crls.map(crlPlace), distributionPoints, alarmBeforeMs: given.alarmBeforeMs } : undefined,
    ocsp: ocsp === undefined ? undefined : ocspSettings(ocsp === true ? {} : ocsp),
    order: given.order ?? 'crl-first',
    fallback: given.fallback ?? true,
    signerFiles: (given.signers ?? []).map((file) => resolve(file)),
    waitMs: given.waitMs ?? SOURCE_DEFAULTS.waitMs,
    allowAddresses: given.allowAddresses ?? [],
  };
}

function stalenessOf(options: RevocationOptions | 'off'): Staleness {
  if (options === 'off') return { mode: 'off', maxStale: 'nextUpdate' };
  return { mode: options.mode ?? CRL_STALENESS.mode, maxStale: options.maxStaleMs ?? CRL_STALENESS.maxStale };
}

function crlPlace(place: CrlPlaceOptions): { file: string } | { url: URL; everyMs: number } {
  if ('file' in place) return { file: resolve(place.file) };
  return { url: urlOf(place.url), everyMs: place.everyMs ?? SOURCE_DEFAULTS.everyMs };
}

function ocspSettings(options: OcspOptions): NonNullable<RevocationSettings['ocsp']> {
  return {
    urls: (options.urls ?? []).map((url) => urlOf(url)),
    nonce: options.nonce ?? 'off',
    timeoutMs: options.timeoutMs ?? SOURCE_DEFAULTS.timeoutMs,
    everyMs: options.everyMs ?? SOURCE_DEFAULTS.everyMs,
    maxAgeMs: options.maxAgeMs,
    responderRevocation: options.responderRevocation ?? 'required',
    maxAnswers: options.maxAnswers ?? SOURCE_DEFAULTS.maxAnswers,
  };
}

/** @throws SdkError `server_options` */
export function urlOf(text: string | URL, schemes: readonly string[] = ['http:', 'https:']): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !schemes.includes(url.protocol))
    throw misuse(`${String(text)} is no ${schemes.join('//, ')}// URL`);
  return url;
}

/** A mistake in what a server was asked to be. */
export function misuse(detail: string): SdkError {
  return new SdkError('server_options', detail);
}

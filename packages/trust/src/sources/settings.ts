import type { Staleness } from '../state/revocation-source.ts';

/** What holds where nothing is said, milliseconds but for the last. */
export const SOURCE_DEFAULTS = {
  /** How often a CRL, or an OCSP answer, is fetched anew. */
  everyMs: 3_600_000,
  /** How long a connection waits for news that are not here. */
  waitMs: 2000,
  /** For one OCSP responder. */
  timeoutMs: 10_000,
  maxAnswers: 20_000,
} as const;

/** The CAs of one bundle, and how the revocation of their certificates is known. */
export interface BundleSettings {
  readonly name: string;
  /** CA certificates, PEM or DER: self-signed ones are anchors, others intermediates. */
  readonly files: readonly string[];
  /** CA certificates that are anchors although not self-signed. */
  readonly anchorsFile: string | undefined;
  readonly revocation: RevocationSettings;
}

/** How the revocation of a bundle's certificates is known. */
export interface RevocationSettings {
  readonly staleness: Staleness;
  readonly crls: CrlSettings | undefined;
  readonly ocsp: OcspSettings | undefined;
  /** With both: which is asked first. */
  readonly order: 'crl-first' | 'ocsp-first';
  /** With both: whether one of them is enough. */
  readonly fallback: boolean;
  /** PEM files of certificates that may sign CRLs or answers, though they are no CAs. */
  readonly signerFiles: readonly string[];
  /** How long a connection waits for news that are not here. */
  readonly waitMs: number;
  /** Addresses, ranges and hosts that may be fetched from although they are not public. */
  readonly allowAddresses: readonly string[];
}

export interface CrlSettings {
  readonly sources: readonly CrlPlace[];
  /** Lists are fetched from the distribution points of trusted chains too. */
  readonly distributionPoints: boolean;
  /** Undefined: a part of each list's lifetime. */
  readonly alarmBeforeMs: number | undefined;
}

export type CrlPlace = { readonly file: string } | { readonly url: URL; readonly everyMs: number };

export interface OcspSettings {
  /** Empty: those that certificates name. */
  readonly urls: readonly URL[];
  readonly nonce: 'off' | 'optional' | 'required';
  /** For one responder, milliseconds. */
  readonly timeoutMs: number;
  /** How often an answer is asked for again, milliseconds. */
  readonly everyMs: number;
  /** How old a thisUpdate may be, milliseconds. */
  readonly maxAgeMs: number | undefined;
  readonly responderRevocation: 'required' | 'ignored';
  /** How many answers are kept. */
  readonly maxAnswers: number;
}

import { buildOcspRequest, verifyOcspResponse } from '@countersign/pki';
import type { Certificate, Crypto, OcspProblem, OcspResult } from '@countersign/pki';

import type { AddressGuard } from '../net/address-guard.ts';
import { FetchFailed } from '../net/fetch-bounded.ts';
import type { FetchProblem } from '../net/fetch-bounded.ts';
import { fetchOcsp } from './fetch-ocsp.ts';

/** How far a responder's clock may be ahead of ours. */
const CLOCK_SKEW_SECONDS = 300;
const NONCE_OCTETS = 32;

/** A responder to ask. */
export interface Responder {
  readonly url: URL;
  /** Where its URL may lead: a strict one unless the URL is of the configuration. */
  readonly guard: AddressGuard;
}

/** One certificate of a trusted path, whose status is asked for. */
export interface StatusQuestion {
  readonly certificate: Certificate;
  /** The CA above it on that path. */
  readonly issuer: Certificate;
  /** Asked one after the other until one has a valid answer. */
  readonly responders: readonly Responder[];
}

/** How answers are asked for and judged. */
export interface OcspPolicy {
  /**
   * `off`: none is sent, so that answers may come from caches (RFC 5019). `optional`: one is sent, and an answer that carries
   * another is refused. `required`: an answer must carry it, which nobody can replay.
   */
  readonly nonce: 'off' | 'optional' | 'required';
  /** For one responder. Milliseconds. */
  readonly timeoutMs: number;
  /** An answer older than this is stale, whatever it says. Milliseconds; absent: its own nextUpdate, an hour without one. */
  readonly maxAgeMs?: number | undefined;
  /** Certificates of responders that the configuration trusts (RFC 6960 section 4.2.2.2). */
  readonly trustedResponders: readonly Certificate[];
  /** The revocation of a delegated responder that has not `nocheck`. */
  readonly responderStatus: (certificate: Certificate, issuer: Certificate) => 'good' | 'revoked' | 'unknown';
}

export interface AskPort {
  readonly crypto: Crypto;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** For tests. */
  readonly fetch?: typeof fetchOcsp | undefined;
  /** What each responder came to; without a problem it gave an answer that counts. */
  readonly onTried?: ((url: URL, problem: AskProblem | undefined, detail: string) => void) | undefined;
  /** A responder that is known to be dead is passed over. */
  readonly isResting?: ((url: URL) => boolean) | undefined;
}

/** Why there is nothing that counts. `resting`: its responders have not answered lately, and are left alone for a while. */
export type AskProblem = FetchProblem | OcspProblem | 'no_responder' | 'resting';

/** What came of asking. */
export type AskOutcome =
  | {
      readonly kind: 'answer';
      readonly result: Exclude<OcspResult, { status: 'unknown' }>;
      /** From when on it must not be relied on, milliseconds since the epoch. */
      readonly freshUntil: number;
      /** The response as it came, to be stapled. */
      readonly der: Uint8Array;
    }
  /** A responder that may speak for the issuer does not know the certificate. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none'; readonly problem: AskProblem; readonly detail: string };

/**
 * Asks the OCSP responders of a certificate, one after the other, until one has a valid answer (RFC 6960). What is dead, slow,
 * lying, redirecting or too large gives none; `tryLater` and other errors are none.
 *
 * @param signal gives it up; then this throws the signal's reason.
 * @example
 * const outcome = await askResponders({ certificate, issuer, responders }, policy, port, signal);
 * if (outcome.kind === 'answer' && outcome.result.status === 'revoked') refuse();
 */
export async function askResponders(
  question: StatusQuestion,
  policy: OcspPolicy,
  port: AskPort,
  signal?: AbortSignal,
): Promise<AskOutcome> {
  let outcome: AskOutcome = { kind: 'none', problem: 'no_responder', detail: 'it names no responder' };
  for (const responder of question.responders) {
    if (port.isResting?.(responder.url) === true) {
      outcome = { kind: 'none', problem: 'resting', detail: `${responder.url.host} has not answered lately` };
      continue;
    }
    const next = await askOne(question, responder, { policy, port, signal });
    if (next.kind === 'none') port.onTried?.(responder.url, next.problem, next.detail);
    else port.onTried?.(responder.url, undefined, '');
    if (next.kind !== 'none') return next;
    outcome = next;
  }
  return outcome;
}

async function askOne(
  { certificate, issuer }: StatusQuestion,
  { url, guard }: Responder,
  { policy, port, signal }: { policy: OcspPolicy; port: AskPort; signal: AbortSignal | undefined },
): Promise<AskOutcome> {
  const { crypto, now, fetch = fetchOcsp } = port;
  const nonce = policy.nonce === 'off' ? undefined : port.randomBytes(NONCE_OCTETS);
  const request = buildOcspRequest([certificate], issuer, crypto, nonce === undefined ? {} : { nonce });
  let der: Uint8Array;
  try {
    der = await fetch(url, request, { timeoutMs: policy.timeoutMs, signal, guard });
  } catch (error) {
    if (!(error instanceof FetchFailed)) throw error;
    return { kind: 'none', problem: error.problem, detail: error.message };
  }
  const result = verifyOcspResponse(der, {
    certificate,
    issuer,
    time: now(),
    crypto,
    clockSkewSeconds: CLOCK_SKEW_SECONDS,
    ...(nonce === undefined ? {} : { nonce, allowMissingNonce: policy.nonce === 'optional' }),
    ...(policy.maxAgeMs === undefined ? {} : { maxAgeSeconds: policy.maxAgeMs / 1000 }),
    trustedResponders: policy.trustedResponders,
    responderStatus: (delegate) => policy.responderStatus(delegate, issuer),
  });
  if (result.status !== 'unknown') {
    const freshUntil = freshnessOf(result, policy);
    if (now() <= freshUntil) return { kind: 'answer', result, freshUntil, der };
    return { kind: 'none', problem: 'ocsp_expired', detail: 'it is too old, and does not say until when it holds' };
  }
  if (result.code === 'ocsp_certificate_unknown') return { kind: 'unknown' };
  return { kind: 'none', problem: result.code, detail: `${result.code}: ${result.detail}` };
}

/** Without a nextUpdate there may be news at any time (RFC 6960 section 4.2.2.1): then a day is too long to believe it. */
const MAX_AGE_WITHOUT_END_MS = 3_600_000;

function freshnessOf(result: Exclude<OcspResult, { status: 'unknown' }>, { maxAgeMs }: OcspPolicy): number {
  if (result.nextUpdate !== undefined || maxAgeMs !== undefined) return result.staleAt;
  return Math.min(result.staleAt, result.thisUpdate + MAX_AGE_WITHOUT_END_MS);
}

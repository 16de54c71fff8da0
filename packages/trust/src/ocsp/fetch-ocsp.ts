import type { AddressGuard } from '../net/address-guard.ts';
import { fetchBounded, FetchFailed } from '../net/fetch-bounded.ts';

/** An answer with a delegate's certificate and a post-quantum signature is some 20 KB. */
const MAX_BYTES = 64 * 1024;

export interface FetchOcspOptions {
  /** For the whole of it. Milliseconds; 10 s by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where it may lead; the guard for a URL of the configuration by default. */
  readonly guard?: AddressGuard | undefined;
}

/**
 * Sends an OCSP request to a responder (RFC 6960 appendix A.1, by POST) and gives what comes back, unread: verify it.
 *
 * @throws FetchFailed; the signal's reason where the signal ended it.
 * @example
 * const der = await fetchOcsp(url, buildOcspRequest([certificate], issuer, nodeCrypto), { timeoutMs: 5000 });
 */
export async function fetchOcsp(url: URL, request: Uint8Array, options: FetchOcspOptions = {}): Promise<Uint8Array> {
  const { timeoutMs = 10_000, signal, guard } = options;
  const headers = { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' };
  const body = { method: 'POST', headers, body: request } as const;
  const answer = await fetchBounded(url, { ...body, maxBytes: MAX_BYTES, timeoutMs, signal, guard });
  if (answer.status !== 200) throw new FetchFailed('status', `the answer is ${answer.status}`);
  return answer.bytes;
}

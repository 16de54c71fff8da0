import { TrustError } from '../errors.ts';
import type { AddressGuard } from '../net/address-guard.ts';
import { fetchBounded } from '../net/fetch-bounded.ts';
import type { FetchProgress } from '../net/fetch-bounded.ts';

export interface FetchOptions {
  /** What the answer before said of itself, so that an unchanged CRL is not sent again. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** Octets; beyond it the answer is refused, whatever it announced. 64 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** For the whole of it, however slowly the octets drip. Milliseconds; 30 s by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where it may lead; the guard for a URL of the configuration by default. */
  readonly guard?: AddressGuard | undefined;
  readonly onProgress?: FetchProgress | undefined;
}

export type FetchedCrl =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'fetched';
      readonly bytes: Uint8Array;
      readonly etag: string | undefined;
      readonly lastModified: string | undefined;
    };

/**
 * Fetches a CRL from a URL of the configuration, or, with a strict guard, from one of a certificate whose chain is trusted. No
 * redirect is followed, no compression accepted, nothing waited for or read beyond the bounds.
 *
 * @throws TrustError `crl_fetch_failed`
 */
export async function fetchCrl(url: URL, options: FetchOptions = {}): Promise<FetchedCrl> {
  const { etag, lastModified, maxBytes = 64 * 1024 * 1024, timeoutMs = 30_000, signal, guard, onProgress } = options;
  const headers: Record<string, string> = { accept: 'application/pkix-crl, */*;q=0.1' };
  if (etag !== undefined) headers['if-none-match'] = etag;
  else if (lastModified !== undefined) headers['if-modified-since'] = lastModified;
  try {
    const answer = await fetchBounded(url, { headers, maxBytes, timeoutMs, signal, guard, onProgress });
    if (answer.status === 304) return { kind: 'unchanged' };
    if (answer.status !== 200) throw new Error(`the answer is ${answer.status}`);
    return {
      kind: 'fetched',
      bytes: answer.bytes,
      etag: answer.headers.etag,
      lastModified: answer.headers['last-modified'],
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TrustError('crl_fetch_failed', `cannot be fetched: ${why}`, { source: url.href, cause: error });
  }
}

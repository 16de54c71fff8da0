import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { TrustError } from '../errors.ts';

export interface FetchOptions {
  /** What the answer before said of itself, so that an unchanged CRL is not sent again. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** Octets; beyond it the answer is refused, whatever it announced. 64 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** For the whole of it, however slowly the octets drip. Milliseconds; 30 s by default. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
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
 * Fetches a CRL from a URL that the configuration names (never one out of a certificate). No redirect is followed, no
 * compression accepted, nothing waited for or read beyond the bounds.
 *
 * @throws TrustError `crl_fetch_failed`
 */
export async function fetchCrl(url: URL, options: FetchOptions = {}): Promise<FetchedCrl> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 30_000);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  try {
    const response = await send(url, options, signal);
    if (response.statusCode === 304) {
      response.resume();
      return { kind: 'unchanged' };
    }
    const refused = whyRefused(response);
    if (refused !== undefined) {
      response.destroy();
      throw new Error(refused);
    }
    const bytes = await readBody(response, options.maxBytes ?? 64 * 1024 * 1024);
    const { etag, 'last-modified': lastModified } = response.headers;
    return { kind: 'fetched', bytes, etag, lastModified };
  } catch (error) {
    const why = timeout.aborted ? 'it took too long' : error instanceof Error ? error.message : String(error);
    throw new TrustError('crl_fetch_failed', `cannot be fetched: ${why}`, { source: url.href, cause: error });
  }
}

function send(url: URL, { etag, lastModified }: FetchOptions, signal: AbortSignal): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('only http and https are fetched');
  const headers: Record<string, string> = { accept: 'application/pkix-crl, */*;q=0.1', 'accept-encoding': 'identity' };
  if (etag !== undefined) headers['if-none-match'] = etag;
  else if (lastModified !== undefined) headers['if-modified-since'] = lastModified;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { headers, signal, agent: false });
    request.once('response', resolve);
    request.on('error', reject);
    request.end();
  });
}

function whyRefused({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  if (statusCode >= 300 && statusCode < 400) return `it redirects (${statusCode}), which is not followed`;
  if (statusCode !== 200) return `the answer is ${statusCode}`;
  const encoding = headers['content-encoding'];
  return encoding === undefined || encoding === 'identity' ? undefined : `the answer is compressed (${encoding})`;
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the answer is larger than ${maxBytes} octets`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new Error('the answer was cut off');
  return Buffer.concat(chunks, length);
}

import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { ForbiddenAddress, guardForConfigured } from './address-guard.ts';
import type { AddressGuard } from './address-guard.ts';

export interface BoundedRequest {
  readonly method?: 'GET' | 'POST' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  /** Octets; beyond it the answer is refused, whatever it announced. */
  readonly maxBytes: number;
  /** For the whole of it, the name's resolution included and however slowly the octets drip. Milliseconds. */
  readonly timeoutMs: number;
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
  /** Where it may lead; the guard for a URL of the configuration by default. */
  readonly guard?: AddressGuard | undefined;
  /** How many octets there are so far, and how many are announced. */
  readonly onProgress?: FetchProgress | undefined;
}

export type FetchProgress = (received: number, total: number | undefined) => void;

/** A whole answer. */
export interface BoundedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array;
}

/** Why nothing was fetched. `forbidden`: it would have led to an address that is not allowed; `status`: an error of HTTP. */
export type FetchProblem =
  | 'forbidden'
  | 'redirect'
  | 'compressed'
  | 'too_large'
  | 'cut_off'
  | 'timeout'
  | 'network'
  | 'status';

/** What {@link fetchBounded} throws. */
export class FetchFailed extends Error {
  readonly problem: FetchProblem;

  constructor(problem: FetchProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'FetchFailed';
    this.problem = problem;
  }
}

/**
 * Fetches something small from somebody who may be dead, slow or hostile: bounded in time and size, no redirect followed, no
 * compression accepted (so that nothing is ever unpacked), no connection kept, and only to addresses that the guard allows.
 *
 * @throws FetchFailed; the signal's reason where the signal ended it.
 * @example
 * const { status, bytes } = await fetchBounded(url, { maxBytes: 65_536, timeoutMs: 5000, guard: new AddressGuard() });
 */
export async function fetchBounded(url: URL, options: BoundedRequest): Promise<BoundedAnswer> {
  options.signal?.throwIfAborted();
  const overdue = new AbortController();
  const timer = setTimeout(() => overdue.abort(), options.timeoutMs);
  const signal = options.signal === undefined ? overdue.signal : AbortSignal.any([options.signal, overdue.signal]);
  try {
    const response = await send(url, options, signal);
    try {
      refuseHead(response, options.maxBytes);
      const bytes = await readBody(response, options);
      return { status: response.statusCode ?? 0, headers: response.headers, bytes };
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (overdue.signal.aborted) throw new FetchFailed('timeout', 'it took too long', error);
    options.signal?.throwIfAborted();
    if (error instanceof FetchFailed) throw error;
    const problem = error instanceof ForbiddenAddress ? 'forbidden' : 'network';
    throw new FetchFailed(problem, error instanceof Error ? messageOf(error) : String(error), error);
  } finally {
    clearTimeout(timer);
  }
}

function send(url: URL, options: BoundedRequest, signal: AbortSignal): Promise<IncomingMessage> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new FetchFailed('forbidden', 'only http and https are fetched');
  }
  const { method = 'GET', body, guard = guardForConfigured(url) } = options;
  guard.checkHost(url.hostname);
  const headers: Record<string, string> = { ...options.headers, 'accept-encoding': 'identity' };
  if (body !== undefined) headers['content-length'] = String(body.length);
  return new Promise((resolve, reject) => {
    const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = make(url, { method, headers, signal, agent: false, lookup: guard.lookup });
    request.once('response', resolve);
    request.on('error', reject);
    request.end(body);
  });
}

function refuseHead({ statusCode = 0, headers }: IncomingMessage, maxBytes: number): void {
  if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) {
    throw new FetchFailed('redirect', `it redirects (${statusCode}), which is not followed`);
  }
  const encodings = [headers['content-encoding'], headers['transfer-encoding']];
  const odd = encodings.find((encoding) => encoding !== undefined && !/^(?:identity|chunked)$/iu.test(encoding));
  if (odd !== undefined) throw new FetchFailed('compressed', `the answer is compressed (${odd})`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

async function readBody(
  response: IncomingMessage,
  { maxBytes, onProgress }: Pick<BoundedRequest, 'maxBytes' | 'onProgress'>,
): Promise<Uint8Array> {
  const announced = response.headers['content-length'];
  const total = announced === undefined ? undefined : Number(announced);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
    onProgress?.(length, total);
  }
  if (!response.complete) throw new FetchFailed('cut_off', 'the answer was cut off');
  return Buffer.concat(chunks, length);
}

function tooLarge(maxBytes: number): FetchFailed {
  return new FetchFailed('too_large', `the answer is larger than ${maxBytes} octets`);
}

/** Where several addresses were tried, Node's error has no words of its own. */
function messageOf(error: Error & { readonly code?: unknown }): string {
  if (error.message !== '') return error.message;
  return typeof error.code === 'string' ? error.code : error.name;
}

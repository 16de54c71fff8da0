import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContextOptions } from 'node:tls';

import { TLS_DEFAULTS } from '../client/tls-options.ts';
import { SdkError } from '../errors.ts';
import type { Problem } from '../errors.ts';
import { serverName } from './pin-root.ts';

export interface ApiCall {
  /** The authority's base URL. */
  readonly url: URL;
  /** Below it. */
  readonly path: string;
  readonly body: unknown;
  /** Enrollment token. */
  readonly bearer?: string | undefined;
  /** PEM of the only CA that the server may be of. */
  readonly ca: string;
  /** The certificate and key to show. */
  readonly identity?: Pick<SecureContextOptions, 'cert' | 'key'> | undefined;
  /** For each answer. */
  readonly timeoutMs?: number | undefined;
  /** Gives up, also while an administrator is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Called once where an administrator has to approve the request, and awaited; afterwards it is asked until that is decided. */
  readonly onWaiting?: ((waiting: Waiting) => void | Promise<void>) | undefined;
}

/** A request that waits for an administrator. */
export interface Waiting {
  /** What `countersign requests` calls it. */
  readonly request: string;
  /** When nobody needs to wait any longer: milliseconds since the epoch. */
  readonly expiresAt: number;
}

const MAX_ANSWER = 1024 * 1024;
/** Between two questions, seconds: whatever an authority says. */
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 300;

/**
 * One POST to an authority over verified TLS, with a connection of its own. Where it answers that an administrator has to approve first,
 * it is asked with the same credentials until that is decided.
 *
 * @returns the answer's JSON.
 * @throws SdkError `authority_unreachable`, `server_untrusted`, `authority_refused`, `answer_malformed`
 */
export async function callAuthority(call: ApiCall): Promise<Record<string, unknown>> {
  const first = await exchange(call, 'POST');
  if (first.status !== 202) return first.answer;
  const waiting = waitingOf(first.answer);
  await call.onWaiting?.(waiting);
  const poll = { ...call, path: `v1/enroll/${waiting.request}`, body: undefined };
  let pause = first.retryAfter;
  for (;;) {
    await sleep(pause * 1000, undefined, { signal: call.signal });
    try {
      const { status, answer, retryAfter } = await exchange(poll, 'GET');
      if (status !== 202) return answer;
      pause = retryAfter;
    } catch (error) {
      // Whoever waits for days outlasts a restart of the authority.
      if (!isPassing(error) || call.signal?.aborted === true) throw error;
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof SdkError)) return false;
  return error.code === 'authority_unreachable' || (error.problem?.status ?? 0) >= 500;
}

function waitingOf({ request, expiresAt }: Record<string, unknown>): Waiting {
  const until = typeof expiresAt === 'string' ? Date.parse(expiresAt) : Number.NaN;
  if (typeof request !== 'string' || !/^[\w-]{1,64}$/.test(request) || Number.isNaN(until)) {
    throw new SdkError('answer_malformed', 'the authority lets us wait, but does not say for what');
  }
  return { request, expiresAt: until };
}

interface Answered {
  readonly status: number;
  readonly answer: Record<string, unknown>;
  /** Seconds. */
  readonly retryAfter: number;
}

async function exchange(call: ApiCall, method: 'GET' | 'POST'): Promise<Answered> {
  const timeout = AbortSignal.timeout(call.timeoutMs ?? 30_000);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
  const response = await send(call, method, signal).catch((error: unknown) => {
    throw asUnreachable(call, error);
  });
  const text = await readAll(response).catch((error: unknown) => {
    throw asUnreachable(call, error);
  });
  const answer = parse(text);
  const { statusCode: status = 0 } = response;
  if (status >= 200 && status < 300 && answer !== undefined) {
    const retryAfter = Number(response.headers['retry-after'] ?? SHORTEST_PAUSE);
    const pause = Math.min(Math.max(retryAfter || SHORTEST_PAUSE, SHORTEST_PAUSE), LONGEST_PAUSE);
    return { status, answer, retryAfter: pause };
  }
  if (status < 400 || answer === undefined) {
    throw new SdkError('answer_malformed', `${call.url.origin} answered ${status} with something that is no JSON`);
  }
  const problem = problemOf(status, answer);
  throw new SdkError('authority_refused', `${problem.code}: ${problem.detail}`, { problem });
}

function send(
  { url, path, body, bearer, ca, identity }: ApiCall,
  method: 'GET' | 'POST',
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const target = new URL(path.replace(/^\//, ''), url.href.endsWith('/') ? url : `${url.href}/`);
  return new Promise((resolve, reject) => {
    const sending = request(target, {
      ...TLS_DEFAULTS,
      ...identity,
      ca,
      method,
      rejectUnauthorized: true,
      agent: false,
      signal,
      ...serverName(target.hostname),
      headers: {
        ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
        accept: 'application/json, application/problem+json',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
    });
    sending.once('response', resolve);
    sending.on('error', reject);
    sending.end(payload);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_ANSWER) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(status: number, { code, detail, correlationId }: Record<string, unknown>): Problem {
  return {
    status,
    code: typeof code === 'string' ? code : `status_${status}`,
    detail: typeof detail === 'string' ? detail : 'no words were given',
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
  };
}

/** OpenSSL and Node name what is wrong with a server's certificate by codes of these forms. */
const UNTRUSTED = /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|PATH_LENGTH|HOSTNAME_)/;

function asUnreachable({ url }: ApiCall, error: unknown): SdkError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail = `${url.origin}: ${error instanceof Error ? error.message : String(error)}`;
  return new SdkError(UNTRUSTED.test(code) ? 'server_untrusted' : 'authority_unreachable', detail, { cause: error });
}

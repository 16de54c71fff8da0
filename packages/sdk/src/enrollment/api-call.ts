import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
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
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MAX_ANSWER = 1024 * 1024;

/**
 * One POST to an authority over verified TLS, with a connection of its own.
 *
 * @returns the answer's JSON.
 * @throws SdkError `authority_unreachable`, `server_untrusted`, `authority_refused`, `answer_malformed`
 */
export async function callAuthority(call: ApiCall): Promise<Record<string, unknown>> {
  const timeout = AbortSignal.timeout(call.timeoutMs ?? 30_000);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
  const response = await post(call, signal).catch((error: unknown) => {
    throw asUnreachable(call, error);
  });
  const text = await readAll(response).catch((error: unknown) => {
    throw asUnreachable(call, error);
  });
  const answer = parse(text);
  const { statusCode: status = 0 } = response;
  if (status >= 200 && status < 300 && answer !== undefined) return answer;
  if (status < 400 || answer === undefined) {
    throw new SdkError('answer_malformed', `${call.url.origin} answered ${status} with something that is no JSON`);
  }
  const problem = problemOf(status, answer);
  throw new SdkError('authority_refused', `${problem.code}: ${problem.detail}`, { problem });
}

function post({ url, path, body, bearer, ca, identity }: ApiCall, signal: AbortSignal): Promise<IncomingMessage> {
  const payload = Buffer.from(JSON.stringify(body));
  const target = new URL(path.replace(/^\//, ''), url.href.endsWith('/') ? url : `${url.href}/`);
  return new Promise((resolve, reject) => {
    const sending = request(target, {
      ...TLS_DEFAULTS,
      ...identity,
      ca,
      method: 'POST',
      rejectUnauthorized: true,
      agent: false,
      signal,
      ...serverName(target.hostname),
      headers: {
        'content-type': 'application/json',
        'content-length': payload.length,
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

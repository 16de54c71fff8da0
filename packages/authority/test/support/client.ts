import { request as plainRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { RunningAuthority } from '../../src/index.ts';

/** A client's key and chain. */
export interface ClientIdentity {
  readonly key: string;
  readonly cert: string;
}

/** How to reach the API. */
export type Target =
  | { readonly socketPath: string }
  | { readonly port: number; readonly ca: string; readonly identity?: ClientIdentity };

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks wherever it likes
  readonly body: any;
}

/** The local socket of a running authority. */
export function local(authority: RunningAuthority): Target {
  return { socketPath: authority.listen.admin };
}

/** The HTTPS listener of a running authority. */
export function remote(authority: RunningAuthority, ca: string, identity?: ClientIdentity): Target {
  const port = Number(authority.listen.authority.split(':').at(-1));
  return identity === undefined ? { port, ca } : { port, ca, identity };
}

/** Opens a request; resolves with the response when its head is there. */
export async function open(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const content = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const type: Record<string, string> = content === undefined ? {} : { 'content-type': 'application/json' };
  const common: RequestOptions = { method, path, headers: { ...type, ...headers }, agent: false };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing =
    'socketPath' in target
      ? plainRequest({ ...common, socketPath: target.socketPath }, resolve)
      : secureRequest(
          { ...common, host: '127.0.0.1', servername: '', port: target.port, ca: target.ca, ...target.identity },
          resolve,
        );
  outgoing.once('error', reject);
  outgoing.end(content);
  return promise;
}

/** One request and its whole answer. */
export async function call(
  target: Target,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Answer> {
  const incoming = await open(target, method, path, body, headers);
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
  const json = String(incoming.headers['content-type']).includes('json') && text !== '';
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    body: json ? JSON.parse(text) : undefined,
  };
}

/** The lines of a feed, one at a time, as JSON. */
export async function* feedLines(incoming: IncomingMessage): AsyncGenerator<{ type: string; [key: string]: unknown }> {
  let rest = '';
  for await (const chunk of incoming.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
}

import { Agent, request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** An answer, its body read. */
export interface Got {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: Buffer;
}

/** Begins a request; resolves with the answer's head. */
export function begin(options: RequestOptions, body?: string | Uint8Array): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(options, resolve).once('error', reject).end(body);
  return promise;
}

/** Asks over HTTP and reads the whole answer. */
export async function ask(options: RequestOptions, body?: string | Uint8Array): Promise<Got> {
  const response = await begin(options, body);
  return { status: response.statusCode ?? 0, etag: response.headers.etag, body: await buffer(response) };
}

/** Connections of one that asks again and again. */
export function keptConnection(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1 });
}

/** POST to an authority over its local socket. */
export async function callLocal<T>(socketPath: string, path: string, body: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const got = await ask({ socketPath, method: 'POST', path, headers }, JSON.stringify(body));
  const text = got.body.toString('utf8');
  if (got.status !== 200 && got.status !== 201) throw new Error(`${path}: ${got.status} ${text}`);
  return JSON.parse(text) as T;
}

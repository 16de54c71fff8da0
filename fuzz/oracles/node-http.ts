import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import type { WholeRequest } from '../../packages/authority/src/http/whole-request.ts';

/** One request of a connection, as somebody read it. */
export interface ReadRequest {
  /** All of its head; whoever reads it otherwise leaves it out of the comparison. */
  readonly key: string;
  readonly method: string;
  readonly target: string;
  readonly trailers: string;
  /** SHA-256 of the body. */
  readonly body: string;
  readonly octets: number;
}

interface Seen extends Pick<ReadRequest, 'method' | 'target' | 'body'> {
  readonly headers: IncomingMessage['headers'];
  /** Whether the connection is kept after the answer. */
  readonly kept: boolean;
}

/** The requests that node:http (llhttp) sees in the octets of a connection, as far as it reads them. */
function readByNode(bytes: Uint8Array): Promise<readonly Seen[]> {
  const { promise, resolve } = Promise.withResolvers<readonly Seen[]>();
  const seen: Seen[] = [];
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const body = createHash('sha256');
    request.on('data', (data: Buffer) => body.update(data));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url: target = '', headers } = request;
      seen.push({ method, target, headers, kept: response.shouldKeepAlive, body: body.digest('hex') });
      response.end();
    });
  };
  server.on('request', (request, response) => take(request, response));
  server.on('checkContinue', (request, response) => take(request, response));
  const peer = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  for (const event of ['upgrade', 'connect', 'clientError', 'dropRequest'] as const)
    server.on(event, () => peer.destroy());
  peer.on('error', () => undefined);
  peer.on('close', () => resolve(seen));
  server.emit('connection', peer);
  peer.push(bytes);
  peer.push(null);
  return promise;
}

/** Where node:http and the gateway both see a request, it must be the same one: two readings are how requests are smuggled. */
export async function compareRequests(bytes: Uint8Array, ours: readonly ReadRequest[]): Promise<string | undefined> {
  const theirs = await readByNode(bytes);
  for (const [i, { method, target, body }] of theirs.entries()) {
    const own = ours[i];
    if (own === undefined) return undefined;
    // Of an absolute target the gateway keeps the path.
    const path = target.replace(/^https:\/\/[^/?#]*/iu, '').replace(/^(?!\/)/u, '/');
    if (method !== own.method || path !== own.target) {
      return `request ${i}: node:http sees ${method} ${path}, the gateway ${own.method} ${own.target}`;
    }
    if (body !== own.body) return `request ${i}: node:http sees another body`;
  }
  return undefined;
}

/** What the authority answers past node:http must be one request for node:http too, the same one, on a connection that is kept. */
export async function compareWholeRequest(
  bytes: Uint8Array,
  { head, body }: WholeRequest,
): Promise<string | undefined> {
  const [seen, ...more] = await readByNode(bytes);
  if (seen === undefined || more.length > 0) return `node:http sees ${more.length === 0 ? 'none' : 'several'}`;
  const ours = [head.method, head.target, createHash('sha256').update(body, 'latin1').digest('hex'), head.contentType];
  const theirs = [seen.method, seen.target, seen.body, seen.headers['content-type']?.toLowerCase()];
  if (ours.join(' ') !== theirs.join(' ')) return `node:http sees ${theirs.join(' ')}, we ${ours.join(' ')}`;
  if (!seen.kept) return 'node:http ends the connection';
  return Object.keys(seen.headers).some((name) => name.startsWith('if-')) ? 'node:http sees a condition' : undefined;
}

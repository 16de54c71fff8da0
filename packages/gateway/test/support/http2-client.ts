// A client of node:http2 for one data path.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { DataPath } from './data-path.ts';

export interface Http2Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Http2Client extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Opens a stream; `body` undefined leaves it open. */
  open(headers: OutgoingHttpHeaders, body?: string): ClientHttp2Stream;
  fetch(headers: OutgoingHttpHeaders, body?: string): Promise<Http2Response>;
}

export async function connectHttp2(path: DataPath): Promise<Http2Client> {
  const session = connect(`https://127.0.0.1:${path.port}`, { ca: path.ca, servername: 'a.test' });
  // A gateway that ends the session is what some tests are about.
  session.on('error', () => undefined);
  await once(session, 'connect');
  const open = (headers: OutgoingHttpHeaders, body?: string): ClientHttp2Stream => {
    const stream = session.request({ ':authority': 'a.test', ...headers }, { endStream: body === '' });
    if (body !== undefined && body !== '') stream.end(body);
    return stream;
  };
  return {
    session,
    open,
    fetch: (headers, body = '') => readResponse(open(headers, body)),
    [Symbol.asyncDispose]: async () => {
      if (session.destroyed) return;
      session.destroy();
      await once(session, 'close');
    },
  };
}

/** The response of a stream; an error where it is reset. */
export async function readResponse(stream: ClientHttp2Stream): Promise<Http2Response> {
  let trailers: Http2Response['trailers'] = {};
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  const closed = once(stream, 'close').then(() => Promise.reject(new Error('the stream ended without a response')));
  const [headers] = (await Promise.race([once(stream, 'response'), closed])) as [Http2Response['headers']];
  closed.catch(() => undefined);
  let body = '';
  stream.setEncoding('latin1');
  for await (const text of stream) body += text as string;
  return { status: Number(headers[':status']), headers, body, trailers };
}

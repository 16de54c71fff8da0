import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** An answer over a connection. */
export interface HttpAnswer {
  readonly status: number;
  /** The status line and the fields, as they came. */
  readonly head: string;
  readonly body: string;
}

/** Opens a connection for requests. */
export async function openConnection(target: ConnectionOptions): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(target, resolve);
  socket.once('error', reject);
  await promise;
  socket.off('error', reject);
  return socket.setNoDelay(true);
}

/**
 * Calls back with each whole answer. The client frames HTTP/1.1 by itself: what it costs is in the figure, so it must not be the figure.
 */
export function answersOn(socket: TLSSocket, each: (answer: HttpAnswer) => void): void {
  let waiting = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    waiting += text;
    for (;;) {
      const end = waiting.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = waiting.slice(0, end);
      const framed = bodyOf(head, waiting, end + 4);
      if (framed === undefined) return;
      waiting = waiting.slice(framed.end);
      each({ status: Number(head.slice(9, 12)), head, body: framed.body });
    }
  });
}

/** The body that begins at `from`, or undefined while it is not all there. */
function bodyOf(head: string, text: string, from: number): { readonly body: string; readonly end: number } | undefined {
  const length = /\r\ncontent-length: (\d+)/iu.exec(head)?.[1];
  if (length === undefined && /\r\ntransfer-encoding: chunked/iu.test(head)) return chunksOf(text, from);
  const end = from + Number(length ?? 0);
  return text.length < end ? undefined : { body: text.slice(from, end), end };
}

function chunksOf(text: string, from: number): { readonly body: string; readonly end: number } | undefined {
  let body = '';
  for (let at = from; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    const end = line + 2 + size + 2;
    if (text.length < end) return undefined;
    if (size === 0) return { body, end };
    body += text.slice(line + 2, end - 2);
    at = end;
  }
}

/** The value of a field of an answer. */
export function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'iu').exec(head)?.[1];
}

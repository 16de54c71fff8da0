import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

/** How a run went. */
export interface LoadResult {
  readonly answers: number;
  /** Wall clock. */
  readonly milliseconds: number;
  readonly lastBody: string;
}

/**
 * Asks POST `path` on `connections` kept-alive connections, one request in flight on each, until `count` answers are there. The client
 * frames HTTP/1.1 by itself: what it costs is in the figure, so it must not be the figure.
 *
 * @throws Error at the first answer that is not 200
 */
export async function load(
  target: ConnectionOptions,
  path: string,
  bodies: readonly string[],
  connections: number,
  count: number,
): Promise<LoadResult> {
  const requests = bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(target)));
  let sent = 0;
  let lastBody = '';
  const begun = performance.now();
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          const next = (): void => {
            if (sent >= count) resolve();
            else socket.write(requests[sent++ % requests.length] ?? '');
          };
          socket.once('error', reject);
          socket.once('close', () => reject(new Error('the connection was closed')));
          answers(socket, (status, body) => {
            if (status !== 200) reject(new Error(`${status}: ${body}`));
            lastBody = body;
            next();
          });
          next();
        }),
    ),
  );
  const milliseconds = performance.now() - begun;
  for (const socket of sockets) {
    socket.removeAllListeners('close');
    socket.destroy();
  }
  return { answers: count, milliseconds, lastBody };
}

async function open(target: ConnectionOptions): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(target, resolve);
  socket.once('error', reject);
  await promise;
  socket.off('error', reject);
  return socket.setNoDelay(true);
}

/** Calls back with each whole answer, framed by Content-Length. */
function answers(socket: TLSSocket, each: (status: number, body: string) => void): void {
  let waiting = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    waiting += text;
    for (;;) {
      const head = waiting.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/iu.exec(waiting.slice(0, head))?.[1]);
      const end = head + 4 + length;
      if (waiting.length < end) return;
      const status = Number(waiting.slice(9, 12));
      const body = waiting.slice(head + 4, end);
      waiting = waiting.slice(end);
      each(status, body);
    }
  });
}

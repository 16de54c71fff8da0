// Posts requests over kept connections as long as it is told to, in a process of its own, and says how many were answered.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** What is posted where. */
export interface PostOrder {
  readonly port: number;
  readonly path: string;
  readonly contentType: string;
  /** A file of bodies in base64, one a line; they are posted in turn. */
  readonly bodies: string;
  readonly connections: number;
  readonly milliseconds: number;
  /** Whether a connection is kept; the server ends it otherwise. */
  readonly keptAlive: boolean;
}

/** What came of it. */
export interface Posted {
  readonly count: number;
  readonly milliseconds: number;
  /** The body of the last answer, base64. */
  readonly last: string;
}

function requestsOf({ path, contentType, bodies, keptAlive }: PostOrder): readonly Buffer[] {
  const version = keptAlive ? '1.1' : '1.0';
  return readFileSync(bodies, 'latin1')
    .trim()
    .split('\n')
    .map((line) => {
      const body = Buffer.from(line, 'base64');
      const head = `POST ${path} HTTP/${version}\r\nHost: localhost\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n\r\n`;
      return Buffer.concat([Buffer.from(head), body]);
    });
}

async function perform(order: PostOrder): Promise<Posted> {
  const requests = requestsOf(order);
  const begun = performance.now();
  const isOver = (): boolean => performance.now() - begun >= order.milliseconds;
  const state = { count: 0, last: '' };
  const next = (): Buffer => requests[state.count++ % requests.length] ?? Buffer.alloc(0);
  const lane = order.keptAlive ? keptLane : shortLane;
  await Promise.all(Array.from({ length: order.connections }, () => lane(order.port, next, isOver, state)));
  return { count: state.count, milliseconds: performance.now() - begun, last: state.last };
}

/** One request in flight at a time on one connection. */
function keptLane(port: number, next: () => Buffer, isOver: () => boolean, state: { last: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(next()));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/^content-length: (?<octets>[0-9]+)/imu.exec(text.slice(0, head))?.groups?.['octets']);
      if (text.length < head + 4 + length) return;
      if (!text.startsWith('HTTP/1.1 200')) {
        reject(new Error(text.slice(0, 200)));
        return;
      }
      if (isOver()) {
        state.last = Buffer.from(text.slice(head + 4), 'latin1').toString('base64');
        socket.destroy();
        resolve();
        return;
      }
      text = '';
      socket.write(next());
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('the connection ended before the answer')));
  });
}

/** A connection for each request. */
async function shortLane(port: number, next: () => Buffer, isOver: () => boolean, state: { last: string }) {
  while (!isOver()) {
    state.last = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(next()));
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      socket.on('error', reject);
      socket.on('close', () => {
        const head = text.indexOf('\r\n\r\n');
        if (head < 0) reject(new Error('no answer'));
        else resolve(Buffer.from(text.slice(head + 4), 'latin1').toString('base64'));
      });
    });
  }
}

process.on('message', (order) => {
  perform(order as PostOrder).then(
    (posted) => process.send?.(posted),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

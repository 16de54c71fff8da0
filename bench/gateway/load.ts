// Makes requests as long as it is told to, in a process of its own, and says how many were answered.
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

/** What is asked for. */
export interface Order {
  readonly kind: 'full' | 'resumed' | 'keepAlive' | 'http2' | 'body' | 'open';
  readonly port: number;
  readonly milliseconds: number;
  /** Connections at a time. */
  readonly connections: number;
}

/** How many were made: operations, mebibytes or open connections. */
export interface Done {
  readonly count: number;
}

const options: ConnectionOptions = {
  ...(JSON.parse(process.argv[2] ?? '{}') as ConnectionOptions),
  host: '127.0.0.1',
  servername: 'localhost',
  minVersion: 'TLSv1.3',
  // The same work for everybody, whatever each would choose.
  ciphers: 'TLS_AES_128_GCM_SHA256',
  ecdhCurve: 'X25519',
};
const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const held: TLSSocket[] = [];

async function open(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...options, port, ALPNProtocols: ['http/1.1'], ...more });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return socket;
}

/** Sends one request and reads its whole answer. */
function ask(socket: TLSSocket, path = '/'): Promise<number> {
  return new Promise((resolve, reject) => {
    let length = 0;
    let expected = Infinity;
    const fail = (): void => reject(new Error('the connection ended before the answer'));
    const read = (chunk: Buffer): void => {
      if (expected === Infinity) {
        const text = chunk.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        if (!text.startsWith('HTTP/1.1 200') || end < 0) {
          reject(new Error(text.slice(0, 200)));
          return;
        }
        expected = end + 4 + Number(/content-length: ([0-9]+)/iu.exec(text)?.[1]);
      }
      length += chunk.length;
      if (length < expected) return;
      socket.off('data', read);
      socket.off('close', fail);
      resolve(length);
    };
    socket.on('data', read);
    socket.once('close', fail);
    socket.write(request(path));
  });
}

async function handshakes({ port, connections }: Order, isOver: () => boolean, resumed: boolean): Promise<number> {
  let count = 0;
  const one = async (): Promise<void> => {
    let session: Buffer | undefined;
    while (!isOver()) {
      const offered = resumed ? session : undefined;
      const socket = await open(port, offered === undefined ? {} : { session: offered });
      socket.on('session', (ticket: Buffer) => (session = ticket));
      await ask(socket);
      if (offered !== undefined && !socket.isSessionReused()) throw new Error('a session was not resumed');
      count += 1;
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return count;
}

/** Asks again as soon as an answer is whole: all answers are as long as the first, so that little is spent on reading them. */
async function requests({ port, connections }: Order, isOver: () => boolean, path: string): Promise<number> {
  let count = 0;
  const bytes = Buffer.from(request(path));
  const one = async (): Promise<void> => {
    const socket = await open(port);
    const whole = await ask(socket, path);
    await new Promise<void>((resolve, reject) => {
      let length = 0;
      socket.on('close', () => reject(new Error('the connection ended before the answer')));
      socket.on('data', (chunk) => {
        length += chunk.length;
        if (length < whole) return;
        length -= whole;
        count += 1;
        if (isOver()) resolve();
        else socket.write(bytes);
      });
      socket.write(bytes);
    });
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return count;
}

async function streams({ port, connections }: Order, isOver: () => boolean): Promise<number> {
  let count = 0;
  const answered = (session: ClientHttp2Session): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ':path': '/' });
      stream.on('response', (headers) => {
        if (headers[':status'] !== 200) reject(new Error(`status ${headers[':status']}`));
      });
      stream.on('error', reject);
      stream.on('end', resolve);
      stream.resume();
    });
  const one = async (): Promise<void> => {
    const session = connectHttp2(`https://localhost:${port}`, { ...options, ALPNProtocols: ['h2'] });
    await once(session, 'connect');
    const lane = async (): Promise<void> => {
      while (!isOver()) {
        await answered(session);
        count += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    session.close();
  };
  await Promise.all(Array.from({ length: connections }, one));
  return count;
}

async function perform(order: Order): Promise<number> {
  const end = performance.now() + order.milliseconds;
  const isOver = (): boolean => performance.now() >= end;
  switch (order.kind) {
    case 'full':
      return handshakes(order, isOver, false);
    case 'resumed':
      return handshakes(order, isOver, true);
    case 'keepAlive':
      return requests(order, isOver, '/');
    case 'body':
      return requests(order, isOver, '/large');
    case 'http2':
      return streams(order, isOver);
    case 'open':
      for (const socket of held.splice(0)) socket.destroy();
      for (let i = 0; i < order.connections; i++) {
        const socket = await open(order.port);
        await ask(socket);
        held.push(socket);
      }
      return held.length;
  }
}

process.on('message', (order) => {
  perform(order as Order).then(
    (count) => process.send?.({ count } satisfies Done),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

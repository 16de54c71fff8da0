// A client that sends bytes as they are, and a reader of responses that shares nothing with the product's.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  /** Names in lower case; repeated fields joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

export class RawClient implements AsyncDisposable {
  readonly socket: Socket;
  closed = false;
  #received = '';
  #ended = false;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => this.#wake());
    socket.on('close', () => {
      this.#ended = true;
      this.closed = true;
      this.#wake();
    });
  }

  send(text: string | Buffer): void {
    this.socket.write(text, 'latin1');
  }

  /** The next response. @param bodyless it answers a HEAD request */
  async response(bodyless = false): Promise<RawResponse> {
    const head = await this.#until(() => {
      const end = this.#received.indexOf('\r\n\r\n');
      return end === -1 ? undefined : this.#take(end + 4);
    });
    const [statusLine = '', ...lines] = head.slice(0, -4).split('\r\n');
    const status = Number(statusLine.split(' ')[1]);
    const headers = fieldsOf(lines);
    if (bodyless || status < 200 || status === 204 || status === 304)
      return { status, headers, body: '', trailers: {} };
    if (headers['transfer-encoding'] === 'chunked') return { status, headers, ...(await this.#chunks()) };
    const length = headers['content-length'];
    if (length !== undefined) return { status, headers, body: await this.bytes(Number(length)), trailers: {} };
    return { status, headers, body: await this.rest(), trailers: {} };
  }

  async bytes(count: number): Promise<string> {
    return this.#until(() => (this.#received.length < count ? undefined : this.#take(count)));
  }

  /** Everything until the other side ends the connection. */
  async rest(): Promise<string> {
    await this.#until(() => (this.#ended ? true : undefined), true);
    return this.#take(this.#received.length);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  async #chunks(): Promise<{ body: string; trailers: Record<string, string> }> {
    let body = '';
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (size === 0) break;
      body += await this.bytes(size);
      if ((await this.#line()) !== '') throw new Error('no CRLF behind a chunk');
    }
    const lines: string[] = [];
    for (let line = await this.#line(); line !== ''; line = await this.#line()) lines.push(line);
    return { body, trailers: fieldsOf(lines) };
  }

  async #line(): Promise<string> {
    const line = await this.#until(() => {
      const end = this.#received.indexOf('\r\n');
      return end === -1 ? undefined : this.#take(end + 2);
    });
    return line.slice(0, -2);
  }

  #take(count: number): string {
    const taken = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return taken;
  }

  async #until<T>(look: () => T | undefined, endIsFine = false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#ended && !endIsFine) throw new Error(`the connection ended behind ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

export async function connectRaw(port: number, allowHalfOpen = true): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
  await once(socket, 'connect');
  return new RawClient(socket);
}

function fieldsOf(lines: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}

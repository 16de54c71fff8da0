// HTTP/2 frames by hand, for what a well-behaved library does not send. RFC 9113 section 4.1.
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { DataPath } from './data-path.ts';

export const DATA = 0x0;
export const HEADERS = 0x1;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** `GET https://a.test/` in HPACK: three indexed fields, and the authority as a literal without indexing. */
export const GET_BLOCK: Buffer = Buffer.concat([
  Buffer.from([0x82, 0x87, 0x84, 0x01, 0x06]),
  Buffer.from('a.test', 'latin1'),
]);

/** A literal field without indexing. */
export function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x00, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ]);
}

export class RawHttp2 implements AsyncDisposable {
  readonly socket: TLSSocket;
  /** Beneath TLS. */
  readonly plain: Socket;
  /** Types of the frames that came, with their payloads. */
  readonly frames: { type: number; stream: number; payload: Buffer }[] = [];
  readonly closed: Promise<void>;
  #bytes = Buffer.alloc(0);

  constructor(socket: TLSSocket, plain: Socket) {
    this.socket = socket;
    this.plain = plain;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      while (this.#bytes.length >= 9 && this.#bytes.length >= 9 + this.#bytes.readUIntBE(0, 3)) {
        const length = this.#bytes.readUIntBE(0, 3);
        this.frames.push({
          type: this.#bytes[3] as number,
          stream: this.#bytes.readUInt32BE(5),
          payload: Buffer.from(this.#bytes.subarray(9, 9 + length)),
        });
        this.#bytes = this.#bytes.subarray(9 + length);
      }
    });
  }

  send(...frames: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(frames));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** Connects and sends the preface, unless told otherwise. */
export async function connectRawHttp2(path: DataPath, preface = true): Promise<RawHttp2> {
  const plain = connectPlain({ port: path.port, host: '127.0.0.1' });
  plain.on('error', () => plain.destroy());
  const socket = connect({ socket: plain, servername: 'a.test', ca: path.ca, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const client = new RawHttp2(socket, plain);
  if (preface) client.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0));
  return client;
}

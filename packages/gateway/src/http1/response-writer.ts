/** Writes responses to an HTTP/1.1 client: everything of one turn leaves in one write. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { httpDate } from '../clock/http-date.ts';
import type { Problem } from '../refusal/problem.ts';
import type { UpstreamResponse } from '../upstream/exchange.ts';

const NOTHING = 0;
const PLAIN = 1;
const CHUNKS = 2;

/**
 * What is sent is put together here, for all connections of the process: memory of its own for every write would cost more than to
 * encrypt it. It is free again when `write` returns, see {@link ResponseWriter.#takesAtOnce}.
 */
const ASSEMBLY = Buffer.allocUnsafeSlow(131_072);

export class ResponseWriter {
  /** Body bytes of the present response. */
  bytesOut = 0;

  readonly #socket: Socket;
  #mode = NOTHING;
  #head = '';
  readonly #pieces: Buffer[] = [];
  #piecesLength = 0;
  #tail = '';

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  informational(status: number, fields: string): void {
    this.#head += `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${fields}\r\n`;
  }

  /**
   * Begins a response.
   *
   * @param closing the connection ends with it
   * @param chunks the client understands the chunked coding; else the end of the connection ends a body of unknown length
   */
  begin(response: UpstreamResponse, closing: boolean, chunks: boolean, now: number): void {
    this.bytesOut = 0;
    let head = `${this.#head}HTTP/1.1 ${response.status} ${response.reason}\r\n${response.fields}`;
    if (!response.hasDate) head += `Date: ${httpDate(now)}\r\n`;
    this.#mode = response.hasBody ? PLAIN : NOTHING;
    if (response.length !== undefined) {
      head += `Content-Length: ${response.length}\r\n`;
    } else if (response.hasBody && chunks) {
      head += 'Transfer-Encoding: chunked\r\n';
      this.#mode = CHUNKS;
    }
    this.#head = `${head}${closing ? 'Connection: close\r\n' : ''}\r\n`;
  }

  /** 101; what follows are bytes of the tunnel. */
  beginTunnel(response: UpstreamResponse, upgrade: string): void {
    this.bytesOut = 0;
    this.#head += `HTTP/1.1 101 ${response.reason}\r\n${response.fields}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
    this.#mode = PLAIN;
  }

  problem(problem: Problem, closing: boolean, withBody: boolean, now: number): void {
    let head = `${this.#head}HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nDate: ${httpDate(now)}\r\n`;
    for (const [name, value] of Object.entries(problem.fields)) head += `${name}: ${value}\r\n`;
    head += `content-length: ${problem.body.length}\r\n`;
    this.#head = `${head}${closing ? 'connection: close\r\n' : ''}\r\n${withBody ? problem.body : ''}`;
    this.bytesOut = withBody ? problem.body.length : 0;
    this.#mode = NOTHING;
  }

  /** The view must be valid until {@link flush}. */
  body(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#piecesLength += bytes.length;
    this.bytesOut += bytes.length;
  }

  end(trailers: string): void {
    if (this.#mode === CHUNKS) this.#tail = `0\r\n${trailers}\r\n`;
  }

  /** Sends what there is. False: the client is full, wait for `drain`. */
  flush(): boolean {
    const length = this.#piecesLength;
    let before = this.#head;
    let after = this.#tail;
    if (length > 0 && this.#mode === CHUNKS) {
      before += `${length.toString(16)}\r\n`;
      after = `\r\n${after}`;
    }
    if (length === 0) {
      before += after;
      if (before !== '') this.#socket.write(before, 'latin1');
    } else {
      const whole = before.length + length + after.length;
      this.#socket.write(this.#assemble(before, whole, after));
      this.#pieces.length = 0;
      this.#piecesLength = 0;
    }
    this.#head = '';
    this.#tail = '';
    return !this.#socket.writableNeedDrain;
  }

  #assemble(before: string, whole: number, after: string): Buffer {
    const atOnce = this.#takesAtOnce(whole);
    const [first] = this.#pieces;
    if (atOnce && first?.length === whole) return first;
    const bytes = atOnce ? ASSEMBLY.subarray(0, whole) : Buffer.allocUnsafe(whole);
    let at = before === '' ? 0 : bytes.write(before, 0, 'latin1');
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    if (after !== '') bytes.write(after, at, 'latin1');
    return bytes;
  }

  /**
   * Whether the bytes of the next write may be used again as soon as it returns. TLS encrypts, or copies, what it is given at once; but
   * it is only given it while no write before is under way.
   */
  #takesAtOnce(length: number): boolean {
    const socket = this.#socket;
    return (
      length <= ASSEMBLY.length && socket instanceof TLSSocket && socket.writableLength === 0 && !socket.connecting
    );
  }
}

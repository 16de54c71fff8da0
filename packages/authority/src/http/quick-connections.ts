import type { Socket } from 'node:net';
import { httpDates } from './http-date.ts';
import { readWholeRequest } from './whole-request.ts';
import type { SimpleHead, WholeRequest } from './whole-request.ts';

/** An answer of 200, with everything but what every answer has. */
export interface QuickAnswer {
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** One character an octet. */
  readonly body: string;
}

export interface QuickOptions {
  /** The answer, where it can be given in this turn. */
  readonly answer: (request: WholeRequest) => QuickAnswer | undefined;
  /** Takes a connection with all that has not been answered, for good. */
  readonly handOver: (socket: Socket) => void;
  /** Whether connections are kept. */
  readonly keeps: () => boolean;
  /** For how long clients are told that they are, seconds. */
  readonly keptSeconds: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly failed: (error: unknown) => void;
}

/** How long a request is at most, head and body. */
const maxOctets = 4096;

/** How many seconds more than it was told a connection is kept: a request may be under way. */
const secondsMore = 1;

/** How many sweeps a connection may be here before its first request. */
const sweepsUnasked = 2;

interface Connection {
  readonly onData: (octets: Buffer) => void;
  readonly onClose: () => void;
  head: SimpleHead | undefined;
  /** Sweeps since the last answer, or since it began. */
  sweeps: number;
}

/**
 * Connections whose requests have all come whole and been answered in the same turn. There is nothing of them but the socket, and between
 * two turns nothing is under way on them: a request that is not whole, not simple or not answered at once, an answer that does not go out at once and a
 * connection without a request go to node:http, and stay there.
 */
export class QuickConnections {
  readonly #options: QuickOptions;
  readonly #open = new Map<Socket, Connection>();
  readonly #date = httpDates();
  readonly #end: string;

  constructor(options: QuickOptions) {
    this.#options = options;
    this.#end = `\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${options.keptSeconds}\r\n\r\n`;
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size;
  }

  /** Takes a connection that has just begun. */
  take(socket: Socket): void {
    const onData = (octets: Buffer): void => this.#read(socket, connection, octets);
    const onClose = (): void => void this.#open.delete(socket);
    const connection: Connection = { onData, onClose, head: undefined, sweeps: 0 };
    this.#open.set(socket, connection);
    socket.on('data', onData).on('end', endToo).on('error', ignore).on('close', onClose);
  }

  /** To be called every second: what has been idle for long ends, and who has not asked anything is waited for by node:http. */
  sweep(): void {
    for (const [socket, connection] of this.#open) {
      connection.sweeps += 1;
      if (connection.head === undefined) {
        if (connection.sweeps >= sweepsUnasked) this.#handOver(socket, connection, undefined);
      } else if (connection.sweeps > this.#options.keptSeconds + secondsMore) socket.destroy();
    }
  }

  /** Ends all of them. Nothing that was asked is unanswered, as far as it has been read. */
  close(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #read(socket: Socket, connection: Connection, octets: Buffer): void {
    const text = this.#options.keeps() && octets.length <= maxOctets ? this.#answer(connection, octets) : undefined;
    if (text === undefined) {
      this.#handOver(socket, connection, octets);
      return;
    }
    connection.sweeps = 0;
    socket.write(text, 'latin1');
    // Whoever asks without taking the answers is not asked for more here.
    if (socket.writableLength > 0) this.#handOver(socket, connection, undefined);
  }

  #answer(connection: Connection, octets: Buffer): string | undefined {
    const request = readWholeRequest(octets.toString('latin1'), connection.head);
    if (request === undefined) return undefined;
    connection.head = request.head;
    try {
      const answer = this.#options.answer(request);
      return answer && this.#message(answer);
    } catch (error) {
      this.#options.failed(error);
      return undefined;
    }
  }

  /** Octet by octet what node:http would send. */
  #message({ fields, body }: QuickAnswer): string {
    let text = 'HTTP/1.1 200 OK\r\n';
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
    return `${text}Date: ${this.#date(this.#options.clock())}${this.#end}${body}`;
  }

  #handOver(socket: Socket, connection: Connection, unread: Buffer | undefined): void {
    this.#open.delete(socket);
    if (socket.destroyed) return;
    socket.off('data', connection.onData).off('end', endToo).off('close', connection.onClose);
    // Until somebody else listens.
    socket.pause();
    this.#options.handOver(socket);
    socket.off('error', ignore);
    if (unread !== undefined) socket.unshift(unread);
    socket.resume();
  }
}

function endToo(this: Socket): void {
  this.end();
}

function ignore(): void {
  // The socket is destroyed by it.
}

/** One connection to an HTTP/1.1 upstream: it carries one exchange at a time and reads its responses strictly. */
import type { Socket } from 'node:net';
import type { Deadlines, Timed } from '../clock/deadlines.ts';
import type { HttpLimits, HttpTimeouts } from '../connection.ts';
import { trailerFields } from '../headers/trailers.ts';
import { BodyReader } from '../http1/body.ts';
import { FAULT, MORE, SectionScanner } from '../http1/section.ts';
import type { ExchangeClient, UpstreamRequest } from './exchange.ts';
import { readResponseHead, type ResponseHead } from './response-head.ts';

/** Bounds of what an upstream may send as a head; it is trusted more than a client, and not without end. */
const RESPONSE_LIMITS: HttpLimits = {
  requestLine: 16_384,
  fieldLine: 131_072,
  fieldSection: 262_144,
  fieldCount: 512,
  chunkExtensions: 16_384,
  requestsPerConnection: Infinity,
  concurrentStreams: Infinity,
};
const MAXIMUM_INFORMATIONAL = 32;

const IDLE = 0;
const HEAD = 1;
const BODY = 2;
const TUNNEL = 3;
const CLOSED = 4;

/** What a link tells its owner. */
export interface LinkOwner {
  /** The link is free for another exchange. */
  idle(link: Link): void;
  /** The link has ended. */
  closed(link: Link): void;
}

export interface LinkEnd {
  readonly code: 'upstream_unreachable' | 'upstream_invalid' | 'upstream_timeout';
  readonly detail: string;
  /** Not one byte of a response came. */
  readonly unanswered: boolean;
}

/** What a link needs to know of the exchange it carries. */
export interface Carried {
  readonly request: UpstreamRequest;
  readonly client: ExchangeClient;
  /** The request has been sent completely. */
  readonly finished: boolean;
  /** A final response has begun, or a tunnel. */
  answered: boolean;
  /** 101 was the answer: bytes pass as they are. */
  tunnelled: boolean;
  readonly timeouts: HttpTimeouts;
  /** The response is complete, and the link is not this exchange's any more. */
  over(): void;
  /** The link has ended before that. */
  lost(end: LinkEnd): void;
}

export class Link implements Timed {
  deadline = Infinity;
  /** Exchanges that it has carried before the present one. */
  carriedBefore = 0;
  /** Time of the deadlines when it became idle. */
  idleSince = 0;
  /** How long the upstream keeps an idle connection, where it said so. */
  keepAliveMs = Infinity;
  readonly socket: Socket;

  readonly #owner: LinkOwner;
  readonly #deadlines: Deadlines;
  readonly #scanner = new SectionScanner(RESPONSE_LIMITS, true, 'HTTP/1.');
  readonly #reader: BodyReader;
  #carried: Carried | undefined;
  #head: ResponseHead | undefined;
  #phase = IDLE;
  #connected = false;
  readonly #secure: boolean;
  #heard = false;
  #paused = false;
  #informational = 0;

  /** @param connect opens the socket; `read` gets its bytes and says whether more may come */
  constructor(
    owner: LinkOwner,
    deadlines: Deadlines,
    secure: boolean,
    connect: (read: (bytes: Buffer) => boolean) => Socket,
  ) {
    this.#owner = owner;
    this.#deadlines = deadlines;
    this.#secure = secure;
    this.#reader = new BodyReader(RESPONSE_LIMITS, (data) => this.#carried?.client.body(data));
    this.socket = connect((bytes) => {
      try {
        return this.#read(bytes);
      } catch (error) {
        // A fault of ours ends the exchange that met it, and not the worker with all the others.
        return this.#refuse(`internal: ${String(error)}`);
      }
    });
    this.socket.on(secure ? 'secureConnect' : 'connect', () => this.#opened());
    this.socket.on('drain', () => this.#drained());
    this.socket.on('end', () => this.#ended());
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    this.socket.on('close', () => this.#close('upstream_invalid', 'the upstream closed the connection'));
    deadlines.watch(this);
  }

  /** Takes an exchange; it then writes to {@link socket} itself. */
  carry(carried: Carried): void {
    this.#carried = carried;
    this.#phase = HEAD;
    this.#heard = false;
    this.#informational = 0;
    this.deadline = this.#deadlines.in(
      this.#connected ? carried.timeouts.upstreamResponse : carried.timeouts.upstreamConnect,
    );
  }

  /** Something was sent: whose turn it is decides what may take how long. */
  sent(): void {
    const carried = this.#carried;
    if (carried === undefined || !this.#connected) return;
    if (this.#phase === TUNNEL) this.#awaitBody(carried);
    if (this.#phase !== HEAD) return;
    const waits = carried.finished || carried.request.expectsContinue || this.socket.writableNeedDrain;
    this.deadline = waits ? this.#deadlines.in(carried.timeouts.upstreamResponse) : Infinity;
  }

  /** The client takes more. */
  resume(): void {
    if (this.#phase === CLOSED || this.#carried === undefined) return;
    this.#awaitBody(this.#carried);
    this.#paused = false;
    this.socket.resume();
  }

  /** Ends the connection without a word to the exchange. */
  abandon(): void {
    this.#carried = undefined;
    this.#close('upstream_invalid', 'abandoned');
  }

  expire(): void {
    if (!this.#connected) this.#close('upstream_unreachable', 'no connection in time');
    else if (this.#phase === HEAD) this.#close('upstream_timeout', 'no response in time');
    else if (this.#phase === TUNNEL) this.#close('upstream_timeout', 'nothing moved in the tunnel');
    else this.#close('upstream_timeout', this.#phase === IDLE ? 'idle' : 'the response stopped');
  }

  #opened(): void {
    this.#connected = true;
    this.sent();
  }

  #drained(): void {
    this.sent();
    this.#carried?.client.writable();
  }

  #awaitBody(carried: Carried): void {
    const { upstreamIdle, tunnelIdle } = carried.timeouts;
    if (this.#phase === BODY) this.deadline = this.#deadlines.in(upstreamIdle);
    else if (this.#phase === TUNNEL) this.deadline = tunnelIdle === 0 ? Infinity : this.#deadlines.in(tunnelIdle);
  }

  #read(bytes: Buffer): boolean {
    const carried = this.#carried;
    if (carried === undefined) {
      // Bytes that no request asked for would be taken for the next client's answer.
      if (this.#phase !== CLOSED) this.#close('upstream_invalid', 'bytes that belong to no response');
      return false;
    }
    this.#heard = true;
    let at = 0;
    while (at < bytes.length) {
      if (this.#phase === HEAD) {
        const next = this.#scanner.scan(bytes, at);
        if (next === MORE) break;
        if (next === FAULT) return this.#refuse(this.#scanner.fault);
        at = next;
        if (!this.#begin(carried)) return false;
      } else if (this.#phase === BODY) {
        at = this.#reader.read(bytes, at);
        if (at === FAULT) return this.#refuse(this.#reader.fault);
      } else if (this.#phase === TUNNEL) {
        carried.client.body(at === 0 ? bytes : bytes.subarray(at));
        at = bytes.length;
      } else {
        return false;
      }
      if (this.#phase === BODY && this.#reader.complete) return this.#complete(carried, at === bytes.length);
    }
    this.#awaitBody(carried);
    const more = carried.client.flush();
    if (!more && this.#carried === carried) {
      this.#paused = true;
      this.deadline = Infinity;
    }
    return more;
  }

  /** A head is complete. */
  #begin(carried: Carried): boolean {
    const result = readResponseHead(this.#scanner, carried.request.method);
    if (!result.ok) return this.#refuse(result.detail);
    const head = result.head;
    const client = carried.client;
    if (head.status === 101) {
      const wanted = carried.request.upgrade;
      if (wanted === undefined || head.upgrade?.toLowerCase() !== wanted.toLowerCase())
        return this.#refuse('101 to no such request');
      this.#phase = TUNNEL;
      carried.answered = true;
      carried.tunnelled = true;
      client.tunnel(head, wanted);
      return this.#carried === carried;
    }
    if (head.status < 200) {
      if (++this.#informational > MAXIMUM_INFORMATIONAL) return this.#refuse('informational responses without end');
      client.informational(head.status, head.fields);
      this.sent();
      return this.#carried === carried;
    }
    this.#head = head;
    this.#phase = BODY;
    carried.answered = true;
    this.#reader.begin(head.framing);
    client.response(head);
    return this.#carried === carried;
  }

  /** @param clean nothing came behind the response */
  #complete(carried: Carried, clean: boolean): boolean {
    const head = this.#head as ResponseHead;
    const section = this.#reader.trailers;
    const trailers = section === undefined ? '' : trailerFields(section);
    const reusable = clean && head.persistent && carried.finished && this.#connected;
    this.#carried = undefined;
    this.#head = undefined;
    carried.over();
    if (reusable) {
      this.#phase = IDLE;
      this.carriedBefore++;
      this.keepAliveMs = head.keepAliveMs ?? Infinity;
      // TLS gives what it has decrypted also when it is paused: the end of a response may come so.
      if (this.#paused) this.socket.resume();
      this.#paused = false;
      this.#owner.idle(this);
    } else {
      this.#close('upstream_invalid', 'not to be used again');
    }
    carried.client.end(trailers);
    carried.client.flush();
    return reusable;
  }

  #refuse(detail: string): false {
    this.#close('upstream_invalid', detail);
    return false;
  }

  #ended(): void {
    const carried = this.#carried;
    if (carried !== undefined && this.#phase === TUNNEL) {
      carried.client.end('');
      carried.client.flush();
      return;
    }
    if (carried !== undefined && this.#phase === BODY && this.#reader.close()) {
      this.#complete(carried, false);
      return;
    }
    this.#close('upstream_invalid', 'the upstream closed the connection before its response was complete');
  }

  #failed(error: NodeJS.ErrnoException): void {
    const code = error.code ?? error.message;
    if (this.#connected) this.#close('upstream_invalid', `the connection broke (${code})`);
    // Names and addresses that lead nowhere, against an upstream that answers and is not who it should be.
    else if (!this.#secure || error.syscall !== undefined)
      this.#close('upstream_unreachable', `no connection (${code})`);
    else this.#close('upstream_invalid', `no TLS connection (${code}): ${error.message}`);
  }

  #close(code: LinkEnd['code'], detail: string): void {
    if (this.#phase === CLOSED) return;
    const carried = this.#carried;
    this.#phase = CLOSED;
    this.#carried = undefined;
    this.deadline = Infinity;
    this.#deadlines.forget(this);
    this.socket.destroy();
    this.#owner.closed(this);
    carried?.lost({ code, detail, unanswered: !this.#heard });
  }
}

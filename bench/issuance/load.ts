import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { answersOn, openConnection } from '../harness/kept-connection.ts';
import type { HttpAnswer } from '../harness/kept-connection.ts';

/** How a run went. */
export interface LoadResult {
  readonly answers: number;
  /** Wall clock. */
  readonly milliseconds: number;
  readonly lastBody: string;
}

interface Lane {
  readonly socket: TLSSocket;
  answered: (answer: HttpAnswer) => void;
  failed: (error: Error) => void;
}

/** Kept-alive connections that ask POST `path` with one request in flight on each. */
export class Load {
  readonly #target: ConnectionOptions;
  readonly #connections: number;
  readonly #requests: readonly Buffer[];
  #lanes: readonly Lane[] = [];

  constructor(
    target: ConnectionOptions,
    connections: number,
    path: string,
    bodies: readonly string[],
    mediaType = 'application/json',
  ) {
    this.#target = target;
    this.#connections = connections;
    this.#requests = bodies.map((body) => {
      const fields = `Content-Type: ${mediaType}\r\nContent-Length: ${Buffer.byteLength(body)}`;
      return Buffer.from(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n${body}`);
    });
  }

  /** Connects anew, before each run that others had a turn before: servers close a connection that has rested for some seconds. */
  async wake(): Promise<void> {
    this.close();
    this.#lanes = await Promise.all(
      Array.from({ length: this.#connections }, async (): Promise<Lane> => {
        const socket = await openConnection(this.#target);
        const lane: Lane = { socket, answered: () => undefined, failed: () => undefined };
        answersOn(socket, (answer) => lane.answered(answer));
        socket.once('error', (error) => lane.failed(error));
        socket.once('close', () => lane.failed(new Error('the connection was closed')));
        return lane;
      }),
    );
  }

  /**
   * Asks until `count` answers are there.
   *
   * @throws Error at the first answer that is not 200
   */
  async run(count: number): Promise<LoadResult> {
    let sent = 0;
    let lastBody = '';
    const begun = performance.now();
    await Promise.all(
      this.#lanes.map(
        (lane) =>
          new Promise<void>((resolve, reject) => {
            const next = (): void => {
              if (sent >= count) resolve();
              else lane.socket.write(this.#requests[sent++ % this.#requests.length] ?? '');
            };
            lane.failed = reject;
            lane.answered = ({ status, body }) => {
              if (status !== 200) reject(new Error(`${status}: ${body}`));
              lastBody = body;
              next();
            };
            next();
          }),
      ),
    );
    return { answers: count, milliseconds: performance.now() - begun, lastBody };
  }

  close(): void {
    for (const { socket } of this.#lanes) socket.destroy();
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { buildCsr, buildName, parseIpAddress, subjectAltName } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import { AcmeConnection } from './client.ts';
import type { AcmeTarget } from './client.ts';

export interface Identifier {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** Certificate requests for one identifier, each with a key of its own, in base64url. */
export async function requestsFor({ type, value }: Identifier, count: number): Promise<readonly string[]> {
  const name = type === 'ip' ? { type, value: parseIpAddress(value) ?? new Uint8Array() } : { type, value };
  const template = { subject: buildName([]), extensions: [subjectAltName([name])] };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { privateKey } = await generateKeyPair('p256');
      return Buffer.from(await buildCsr(template, nodeSigner(privateKey))).toString('base64url');
    }),
  );
}

/** Answers challenges by http-01 for every account of this process, and tells when it was asked. */
export class Responder {
  readonly #answers = new Map<string, { readonly text: string; readonly asked: () => void }>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on an address of the loopback; undefined where this process may not. */
  static async open(host: string, port: number): Promise<Responder | undefined> {
    const server = createServer((request, response) => {
      const token = (request.url ?? '').split('/').at(-1) ?? '';
      const answer = made.#answers.get(token);
      response.writeHead(answer === undefined ? 404 : 200).end(answer?.text);
      answer?.asked();
    });
    const made = new Responder(server);
    server.listen(port, host);
    return once(server, 'listening').then(
      () => made,
      () => undefined,
    );
  }

  /** Resolves when somebody has asked for the token. */
  answer(token: string, text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answers.set(token, { text, asked: resolve });
    return promise;
  }

  forget(token: string): void {
    this.#answers.delete(token);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** How long to wait before each look at an order that is being validated, milliseconds. */
const looksMs = [0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1000, 1000, 1000, 1000];

/** One order from its placing to the chain. */
async function complete(
  connection: AcmeConnection,
  identifier: Identifier,
  csr: string,
  responder: Responder | undefined,
): Promise<void> {
  const { url, order } = await connection.order(identifier);
  // As clients do: the authorizations are looked at, whatever the order says.
  const authorization = await connection.read(order.authorizations[0]);
  if (authorization.status === 'pending') await prove(connection, url, authorization, responder);
  const final = JSON.parse((await connection.post(order.finalize, { csr })).body);
  if (final.status !== 'valid') throw new Error(`${url}: ${JSON.stringify(final)}`);
  const { body } = await connection.post(final.certificate);
  if (!body.startsWith('-----BEGIN CERTIFICATE-----')) throw new Error(body);
}

async function prove(
  connection: AcmeConnection,
  url: string,
  authorization: { readonly challenges: readonly { type: string; url: string; token: string }[] },
  responder: Responder | undefined,
): Promise<void> {
  const challenge = authorization.challenges.find(({ type }) => type === 'http-01');
  if (challenge === undefined || responder === undefined) throw new Error(`${url}: no way to prove`);
  const { token } = challenge;
  const asked = responder.answer(token, `${token}.${connection.key.thumbprint}`);
  await connection.post(challenge.url, {});
  await asked;
  for (const ms of looksMs) {
    if (ms > 0) await pause(ms);
    const { status } = await connection.read(url);
    if (status === 'ready') break;
    if (status !== 'pending') throw new Error(`${url}: ${status}`);
  }
  responder.forget(token);
}

/** How a run went. */
export interface RunResult {
  readonly orders: number;
  readonly requests: number;
  /** Wall clock. */
  readonly milliseconds: number;
}

/** Clients of one server, each with an account and a connection. */
export class Clients {
  readonly #connections: readonly AcmeConnection[];

  private constructor(connections: readonly AcmeConnection[]) {
    this.#connections = connections;
  }

  static async open(target: AcmeTarget, count: number): Promise<Clients> {
    return new Clients(await Promise.all(Array.from({ length: count }, () => AcmeConnection.open(target))));
  }

  /** Completes orders, one at a time on each connection, and begins none after `milliseconds`. */
  async run(
    identifier: Identifier,
    csrs: readonly string[],
    milliseconds: number,
    responder?: Responder,
  ): Promise<RunResult> {
    const before = this.#requests();
    const begun = performance.now();
    let orders = 0;
    await Promise.all(
      this.#connections.map(async (connection) => {
        while (performance.now() - begun < milliseconds) {
          await complete(connection, identifier, csrs[orders++ % csrs.length] ?? '', responder);
        }
      }),
    );
    return { orders, requests: this.#requests() - before, milliseconds: performance.now() - begun };
  }

  /** To be called before each run that others had a turn before. */
  async wake(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.wake()));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #requests(): number {
    return this.#connections.reduce((sum, { requests }) => sum + requests, 0);
  }
}

import type { TLSSocket } from 'node:tls';
import { accountKey, externalBinding, signJwsObject } from '@countersign/testkit';
import type { ExternalKey } from '@countersign/testkit';
import { answersOn, fieldOf, openConnection } from '../harness/kept-connection.ts';
import type { HttpAnswer } from '../harness/kept-connection.ts';

/** Where ACME is offered. */
export interface AcmeTarget {
  /** `https://localhost:PORT/…` */
  readonly directory: string;
  /** PEM of the root. */
  readonly ca: string;
  readonly external?: ExternalKey | undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any -- whatever a server says
type Json = any;

function connectTo({ directory, ca }: AcmeTarget): Promise<TLSSocket> {
  const { port, hostname } = new URL(directory);
  return openConnection({ host: '127.0.0.1', port: Number(port), ca, servername: hostname });
}

/** An account with a kept connection of its own. */
export class AcmeConnection {
  readonly key = accountKey();
  #socket: TLSSocket;
  readonly #target: AcmeTarget;
  readonly #host: string;
  readonly #waiting: ((answer: HttpAnswer) => void)[] = [];
  #nonce = '';
  #account = '';
  #newOrder = '';
  /** How many requests were answered. */
  requests = 0;

  private constructor(target: AcmeTarget, socket: TLSSocket) {
    this.#target = target;
    this.#socket = socket;
    this.#host = new URL(target.directory).host;
    answersOn(socket, (answer) => this.#waiting.shift()?.(answer));
  }

  static async open(target: AcmeTarget): Promise<AcmeConnection> {
    const { directory, external } = target;
    const { host, pathname } = new URL(directory);
    const made = new AcmeConnection(target, await connectTo(target));
    const urls: Json = JSON.parse((await made.#ask(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).body);
    const nonce = `GET ${new URL(urls.newNonce).pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    made.#nonce = fieldOf((await made.#ask(nonce)).head, 'replay-nonce') ?? '';
    made.#newOrder = urls.newOrder;
    const binding = external && { externalAccountBinding: externalBinding(external, made.key, urls.newAccount) };
    const answer = await made.post(urls.newAccount, { termsOfServiceAgreed: true, ...binding });
    made.#account = fieldOf(answer.head, 'location') ?? '';
    return made;
  }

  /** Signs and sends; `payload` undefined asks. Throws for a refusal. */
  async post(url: string, payload?: object): Promise<HttpAnswer> {
    const signer = this.#account === '' ? { jwk: this.key.jwk } : { kid: this.#account };
    const header = { alg: this.key.algorithm, nonce: this.#nonce, url, ...signer };
    const body = JSON.stringify(signJwsObject(header, payload, this.key));
    const path = url.slice(url.indexOf('/', 8));
    const head = `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/jose+json\r\nContent-Length: ${body.length}`;
    const answer = await this.#ask(`${head}\r\n\r\n${body}`);
    this.#nonce = fieldOf(answer.head, 'replay-nonce') ?? '';
    if (answer.status >= 400) throw new Error(`${url}: ${answer.body}`);
    return answer;
  }

  /** Places an order: where it is, and what it says. */
  async order(identifier: object): Promise<{ readonly url: string; readonly order: Json }> {
    const { head, body } = await this.post(this.#newOrder, { identifiers: [identifier] });
    return { url: fieldOf(head, 'location') ?? '', order: JSON.parse(body) };
  }

  async read(url: string): Promise<Json> {
    return JSON.parse((await this.post(url)).body);
  }

  /** Connects anew: servers close a connection that has rested for some seconds. */
  async wake(): Promise<void> {
    this.#socket.destroy();
    this.#socket = await connectTo(this.#target);
    answersOn(this.#socket, (answer) => this.#waiting.shift()?.(answer));
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(request: string): Promise<HttpAnswer> {
    const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
    this.#waiting.push(resolve);
    this.requests += 1;
    this.#socket.write(request);
    return promise;
  }
}

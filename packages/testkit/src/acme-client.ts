// A client of ACME that does everything by the letter, and whatever else a test asks it for.
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Agent, request as secureRequest } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';

/** A key of an account. */
export interface AccountKey {
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly algorithm: string;
  /** RFC 7638. */
  readonly thumbprint: string;
}

export interface AcmeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks wherever it likes
  readonly body: any;
}

/** A new key of an account. */
export function accountKey(kind: 'P-256' | 'P-384' | 'Ed25519' | 'RSA' = 'P-256'): AccountKey {
  const { privateKey, publicKey } =
    kind === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind });
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
  const algorithm = { 'P-256': 'ES256', 'P-384': 'ES384', Ed25519: 'EdDSA', RSA: 'RS256' }[kind];
  const names = Object.keys(jwk).toSorted();
  const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]])));
  const thumbprint = createHash('sha256').update(canonical).digest('base64url');
  return { privateKey, jwk, algorithm, thumbprint };
}

/** A value as base64url of its JSON; a text is taken as it is. */
export function base64urlOf(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** A JWS in the flattened JSON serialization. `payload` undefined is the empty one. */
export function signJwsObject(
  header: Readonly<Record<string, unknown>>,
  payload: unknown,
  key: AccountKey,
): { protected: string; payload: string; signature: string } {
  const head = base64urlOf(header);
  const body = payload === undefined ? '' : base64urlOf(payload);
  const digest = key.algorithm === 'EdDSA' ? null : key.algorithm === 'ES384' ? 'sha384' : 'sha256';
  const signature = sign(digest, Buffer.from(`${head}.${body}`), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return { protected: head, payload: body, signature: signature.toString('base64url') };
}

/** An external account key, as its owner was given it. */
export interface ExternalKey {
  readonly id: string;
  readonly hmacKey: string;
}

/** A binding of an account's key to an external account. */
export function externalBinding(external: ExternalKey, key: AccountKey, url: string, algorithm = 'HS256'): object {
  const head = base64urlOf({ alg: algorithm, kid: external.id, url });
  const payload = base64urlOf(key.jwk);
  const mac = createHmac(`sha${algorithm.slice(2)}`, Buffer.from(external.hmacKey, 'base64url'));
  return { protected: head, payload, signature: mac.update(`${head}.${payload}`).digest('base64url') };
}

/** One account's view of an ACME server. */
export class AcmeTestClient implements Disposable {
  readonly key: AccountKey;
  readonly #origin: URL;
  readonly #agent: Agent;
  readonly #nonces: string[] = [];
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks wherever it likes
  directory: any;
  account = '';

  /** @param directory the URL of the directory @param ca PEM of the server's root */
  constructor(directory: string, ca: string, key: AccountKey = accountKey()) {
    this.#origin = new URL(directory);
    this.#agent = new Agent({ keepAlive: true, ca, maxSockets: 1 });
    this.key = key;
  }

  async open(): Promise<this> {
    this.directory = (await this.send('GET', this.#origin.href)).body;
    return this;
  }

  /** One request as it is; a nonce that comes along is kept. */
  async send(
    method: string,
    url: string,
    body?: string,
    headers: Readonly<Record<string, string>> = { 'content-type': 'application/jose+json' },
  ): Promise<AcmeResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<AcmeResponse>();
    const sent = body === undefined ? {} : { ...headers, 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = secureRequest(url, { method, agent: this.#agent, headers: sent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        const json = String(response.headers['content-type']).includes('json');
        const nonce = response.headers['replay-nonce'];
        if (typeof nonce === 'string') this.#nonces.push(nonce);
        const { statusCode: status = 0, headers: got } = response;
        resolve({ status, headers: got, text, body: json && text !== '' ? JSON.parse(text) : undefined });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
    return promise;
  }

  /** A nonce that was not used here yet. */
  async nonce(): Promise<string> {
    if (this.#nonces.length === 0) await this.send('HEAD', this.directory.newNonce);
    return this.#nonces.pop() ?? '';
  }

  /** Signs and sends; `more` puts other members into the protected header, `undefined` takes one out. */
  async post(
    url: string,
    payload?: unknown,
    more: Readonly<Record<string, unknown>> = {},
    key: AccountKey = this.key,
  ): Promise<AcmeResponse> {
    const signer = this.account === '' ? { jwk: key.jwk } : { kid: this.account };
    const header = { alg: key.algorithm, nonce: await this.nonce(), url, ...signer, ...more };
    return this.send('POST', url, JSON.stringify(signJwsObject(header, payload, key)));
  }

  /** Makes an account, or finds it. */
  async register(payload: Readonly<Record<string, unknown>> = {}, external?: ExternalKey): Promise<AcmeResponse> {
    const url = String(this.directory.newAccount);
    const binding = external === undefined ? {} : { externalAccountBinding: externalBinding(external, this.key, url) };
    const known = this.account;
    this.account = '';
    const answer = await this.post(url, { ...payload, ...binding });
    this.account = answer.headers.location ?? known;
    return answer;
  }

  order(identifiers: readonly { type: string; value: string }[], more: object = {}): Promise<AcmeResponse> {
    return this.post(this.directory.newOrder, { identifiers, ...more });
  }

  keyAuthorization(token: string): string {
    return `${token}.${this.key.thumbprint}`;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

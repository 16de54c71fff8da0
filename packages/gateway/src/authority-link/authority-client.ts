import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** With what the gateway calls the authority: PEM. Before it is enrolled it has no certificate of its own. */
export interface ClientTls {
  readonly cert?: string;
  readonly key?: string;
  /** The authority's roots; nothing else is trusted. */
  readonly ca: string;
}

/** Longest answer that is read whole. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** The authority answered with a problem, or not at all. */
export class AuthorityError extends Error {
  /** Of the problem document, or `unreachable`, or `invalid_answer`. */
  readonly code: string;
  /** HTTP status; 0 where no answer came. */
  readonly status: number;

  constructor(code: string, status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AuthorityError';
    this.code = code;
    this.status = status;
  }
}

/**
 * Calls the authority's API over mutual TLS, with the certificate of the moment: after {@link AuthorityClient.rotate} new
 * connections show the new one, and the old are closed when what is under way on them has ended.
 */
export class AuthorityClient {
  readonly #url: URL;
  readonly #timeoutMs: number;
  #agent: Agent;

  constructor(url: URL, tls: ClientTls, timeoutMs = 10_000) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    this.#agent = createAgent(tls);
  }

  rotate(tls: ClientTls): void {
    const old = this.#agent;
    this.#agent = createAgent(tls);
    old.destroy();
  }

  close(): void {
    this.#agent.destroy();
  }

  /**
   * POSTs JSON and reads the JSON of the answer.
   *
   * @throws {@link AuthorityError}
   */
  async post(path: string, body: object, authorization?: string): Promise<unknown> {
    const text = JSON.stringify(body);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...(authorization === undefined ? {} : { authorization }),
    };
    const response = await this.#send({ method: 'POST', path, headers }, text);
    return readJson(response);
  }

  /**
   * Opens a stream: the response as soon as its head is there, its body unread.
   *
   * @throws {@link AuthorityError}
   */
  async stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(
      { method: 'GET', path, signal, agent: false, ...agentTls(this.#agent) },
      undefined,
    );
    if (response.statusCode === 200) return response;
    await readJson(response);
    throw new AuthorityError(
      'invalid_answer',
      response.statusCode ?? 0,
      `the authority answered ${response.statusCode}`,
    );
  }

  #send(options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) =>
        reject(
          new AuthorityError(
            'unreachable',
            0,
            `the authority at ${this.#url.host} cannot be reached: ${error.message}`,
            { cause: error },
          ),
        );
      const request: ClientRequest = httpsRequest(this.#url, { agent: this.#agent, ...options }, (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      // From the call to the answer's head, connecting included.
      const timer = setTimeout(() => request.destroy(new Error('no answer in time')), this.#timeoutMs);
      request.on('error', (error) => {
        clearTimeout(timer);
        fail(error);
      });
      request.end(body);
    });
  }
}

function createAgent(tls: ClientTls): Agent {
  return new Agent({ keepAlive: true, maxSockets: 4, minVersion: 'TLSv1.2', ...tls });
}

/** A stream has a connection of its own, so that nothing waits behind it. */
function agentTls(agent: Agent): ClientTls {
  const { cert, key, ca } = agent.options as unknown as Required<ClientTls>;
  return { cert, key, ca };
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_ANSWER) throw new Error('the answer is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw new AuthorityError('unreachable', 0, `the authority's answer broke off: ${String(error)}`, { cause: error });
  }
  const status = response.statusCode ?? 0;
  const parsed = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (status >= 200 && status < 300 && parsed !== undefined) return parsed;
  const problem = (parsed ?? {}) as { code?: unknown; detail?: unknown; title?: unknown };
  const code = typeof problem.code === 'string' ? problem.code : 'invalid_answer';
  const words = [problem.detail, problem.title].find((part) => typeof part === 'string') ?? 'no reason given';
  throw new AuthorityError(code, status, `the authority answered ${status} ${code}: ${words}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

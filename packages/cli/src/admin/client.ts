// Calls the authority's API: over its local socket, or over mutual TLS with an admin certificate.
import { existsSync } from 'node:fs';
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import {
  type Route,
  type RouteBody,
  type RouteName,
  type RouteResponse,
  problemSchema,
  routes,
} from '@countersign/protocol';
import { CliFailure } from '../failure.ts';
import { explain } from '../explain.ts';

/** Where an authority is reached. */
export type AdminTarget =
  | { readonly kind: 'socket'; readonly socketPath: string; readonly data: string }
  | { readonly kind: 'url'; readonly url: URL; readonly cert: string; readonly key: string; readonly ca: string };

/** One call. `path` fills the route's `:parameters`; `query` values that are undefined are left out. */
export interface CallOptions<R extends RouteName> {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: RouteBody<R>;
}

/** A client of one authority; over mutual TLS it keeps its connection until it is closed. */
export interface AdminClient extends Disposable {
  /**
   * Calls a route and checks the answer against the route's schema.
   *
   * @throws CliFailure with the problem's own code and words when the authority refuses, `not_running` when none
   * answers, `answer_invalid` when what answers is no authority of this version.
   * @example await client.call('status', {})
   */
  call<R extends RouteName>(route: R, options: CallOptions<R>): Promise<RouteResponse<R>>;
}

const answerLimitBytes = 64 * 1024 * 1024;
const answerWithinMs = 60_000;

/** A client for `target`; nothing is sent before the first call. */
export function adminClient(target: AdminTarget): AdminClient {
  // A local connection costs nothing; one that is kept may be closed by the authority in the moment it is used again.
  const agent = target.kind === 'socket' ? new HttpAgent() : new HttpsAgent({ keepAlive: true });
  return {
    call: async (route, options) => {
      const { method, path: template } = routes[route];
      const path = fillPath(template, options.path ?? {}, options.query ?? {});
      const body = options.body === undefined ? undefined : JSON.stringify(options.body);
      const answer = await send(target, agent, method, path, body);
      return readAnswer(route, answer);
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function readAnswer<R extends RouteName>(route: R, answer: Answer): RouteResponse<R> {
  const value = parseJson(answer.text);
  if (answer.status >= 400) {
    const problem = problemSchema.safeParse(value);
    if (!problem.success) throw invalidAnswer(`it answered ${answer.status} without saying why`);
    const { code, detail, correlationId } = problem.data;
    throw new CliFailure({
      foreignCode: code,
      message: `the authority refuses: ${detail} (${code}, ${correlationId})`,
    });
  }
  const { response }: Route = routes[route];
  if (response === undefined) return value as RouteResponse<R>;
  const checked = response.safeParse(value);
  if (!checked.success) throw invalidAnswer(checked.error.issues[0]?.message ?? 'its answer has another form');
  return checked.data as RouteResponse<R>;
}

function invalidAnswer(why: string): CliFailure {
  return new CliFailure({
    code: 'answer_invalid',
    message: `what answers there is not an authority of this version: ${why}`,
    mend: 'check the address, and that command and authority are of the same version',
  });
}

function send(
  target: AdminTarget,
  agent: HttpAgent | HttpsAgent,
  method: string,
  path: string,
  body: string | undefined,
): Promise<Answer> {
  const headers = {
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => {
      collect(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, text }),
        (error: unknown) => reject(explain(error)),
      );
    };
    let outgoing: ClientRequest;
    if (target.kind === 'socket') {
      outgoing = httpRequest({ socketPath: target.socketPath, agent, method, path, headers }, take);
    } else {
      const { cert, key, ca } = target;
      const base = target.url.pathname.replace(/\/$/u, '');
      outgoing = httpsRequest(
        new URL(base + path, target.url),
        { agent, method, headers, cert, key, ca, minVersion: 'TLSv1.2', rejectUnauthorized: true },
        take,
      );
    }
    outgoing.setTimeout(answerWithinMs, () =>
      outgoing.destroy(new Error(`no answer within ${answerWithinMs / 1000} s`)),
    );
    outgoing.on('error', (error) => reject(unreachable(target, error)));
    outgoing.end(body);
  });
}

/**
 * For commands that make a key or a folder first: there should be somebody to certify it.
 *
 * @throws CliFailure `not_running` where no authority has made the socket.
 */
export function requireRunning(target: AdminTarget): void {
  if (target.kind === 'socket' && !existsSync(target.socketPath)) throw notRunning(target.data);
}

function notRunning(data: string, cause?: unknown): CliFailure {
  return new CliFailure({
    code: 'not_running',
    message: `no authority runs on ${data}`,
    mend: 'start one with `countersign start`, name its folder with --data, or reach one elsewhere with --url, --cert and --key',
    cause,
  });
}

function unreachable(target: AdminTarget, error: Error): CliFailure {
  const code = 'code' in error ? String(error.code) : '';
  if (target.kind === 'socket' && ['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ECONNRESET'].includes(code)) {
    return notRunning(target.data, error);
  }
  const where = target.kind === 'socket' ? `the authority on ${target.data}` : target.url.href;
  return new CliFailure({
    code: 'not_reachable',
    message: `${where} can't be reached: ${error.message}`,
    mend: 'check the address, the certificate files, and that the authority runs',
    cause: error,
  });
}

async function collect(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > answerLimitBytes) throw invalidAnswer('its answer is too large');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

function fillPath(
  template: string,
  parameters: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const path = template.replaceAll(/:(\w+)/gu, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

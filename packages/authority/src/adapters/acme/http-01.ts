import { request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { ValidationTask } from '../../domain/acme/validations.ts';
import { systemCode } from '../files.ts';
import { ValidationFailed } from './failure.ts';
import { reach } from './reach.ts';
import type { Reach } from './reach.ts';

/** RFC 8555, section 8.3 leaves it to us how many are followed. */
const redirectsLimit = 10;
/** A key authorization has 87 characters; the rest is white space. */
const bodyLimit = 1024;
/** How long an address may take to answer before the next one is tried. */
const connectMs = 4000;

/**
 * Looks for a key authorization over plain HTTP (RFC 8555, section 8.3). Redirects lead to http and https at the two ports only, and
 * every host on the way is resolved, checked and connected to like the first. Nothing of what is found there is told to anybody.
 */
export async function validateHttp01(where: Reach, task: ValidationTask, signal: AbortSignal): Promise<void> {
  const host = task.identifier.value.includes(':') ? `[${task.identifier.value}]` : task.identifier.value;
  let url = new URL(`http://${host}/.well-known/acme-challenge/${task.token}`);
  for (let redirects = 0; ; redirects++) {
    const response = await get(where, url, signal);
    try {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        if (redirects === redirectsLimit) throw wrong(url, `more than ${redirectsLimit} redirects`);
        url = redirected(where, url, headers.location);
        continue;
      }
      if (statusCode !== 200) throw wrong(url, `it answers with status ${statusCode}`);
      const text = await readText(response, url);
      if (text.trimEnd() !== task.keyAuthorization) throw wrong(url, 'it does not answer with the key authorization');
      return;
    } finally {
      response.destroy();
    }
  }
}

function wrong(url: URL, detail: string): ValidationFailed {
  return new ValidationFailed('unauthorized', `${url.host}: ${detail}`, false);
}

function redirected({ ports }: Reach, from: URL, location: string): URL {
  const to = location.length <= 2048 && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to === undefined) throw wrong(from, 'it redirects to what is no URL');
  const port = to.protocol === 'https:' ? ports.https : ports.http;
  const scheme = to.protocol === 'https:' || to.protocol === 'http:';
  if (!scheme || (to.port !== '' && Number(to.port) !== port)) {
    throw wrong(from, `it redirects to ${to.protocol}//…:${to.port}; http and https at their ports are followed`);
  }
  if (to.username !== '' || to.password !== '') throw wrong(from, 'it redirects to a URL with a password');
  return to;
}

function get(where: Reach, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const secure = url.protocol === 'https:';
  const name = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return reach(where, name, signal, (address) => {
    const options: RequestOptions & { servername?: string; rejectUnauthorized?: boolean } = {
      host: address,
      port: secure ? where.ports.https : where.ports.http,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, 'user-agent': 'Countersign-ACME', accept: '*/*', 'accept-encoding': 'identity' },
      agent: false,
      maxHeaderSize: 8192,
      signal,
      timeout: connectMs,
      // Whoever asks for a certificate need not have one: it is the name's server that answers, not who it says it is.
      rejectUnauthorized: false,
      ...(isIP(name) === 0 ? { servername: name } : {}),
    };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = (secure ? httpsRequest : httpRequest)(options, resolve);
    request.once('timeout', () => {
      request.destroy(new ValidationFailed('connection', `${url.host} (${address}): no answer in time`, true));
    });
    request.on('error', (error) => {
      const code = systemCode(error) ?? error.message;
      const failure = new ValidationFailed('connection', `${url.host} (${address}): ${code}`, true);
      reject(error instanceof ValidationFailed ? error : failure);
    });
    request.end();
    return promise;
  });
}

async function readText(response: IncomingMessage, url: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bodyLimit) throw wrong(url, 'the answer is longer than a key authorization');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ValidationFailed) throw error;
    throw new ValidationFailed('connection', `${url.host}: the answer was cut off`, true);
  }
  return Buffer.concat(chunks).toString('latin1');
}

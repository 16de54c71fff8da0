import { randomUUID } from 'node:crypto';
import { correlationIdHeader } from '@countersign/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { kindOf, problemOf, ProblemError } from '../problem.ts';

/** Where refusals are told in full. */
export type EstLog = Pick<Logger, 'info' | 'error'>;

function explain(error: unknown): ProblemError {
  if (!(error instanceof Error) || !('statusCode' in error)) return problemOf(error);
  if (error.statusCode === 413) return new ProblemError('too_large', 'a certificate request has 64 KiB at most');
  if (error.statusCode === 415) return new ProblemError('unsupported_media_type', 'the body is application/pkcs10');
  if (typeof error.statusCode === 'number' && error.statusCode < 500)
    return new ProblemError('bad_request', error.message);
  return problemOf(error);
}

/** Answers in one line of plain text (RFC 7030, section 4.2.3): the code, the cause; the log has the rest under the correlation id. */
export function answerInText(app: FastifyInstance, log: EstLog): void {
  const answer = (request: FastifyRequest, reply: FastifyReply, error: ProblemError): FastifyReply => {
    const { status } = kindOf(error.code);
    const correlationId = randomUUID();
    const { method, url } = request;
    const level = status >= 500 ? 'error' : 'info';
    log[level](
      { correlationId, status, code: error.code, detail: error.message, method, url, err: error.cause },
      'refused',
    );
    if (status === 401) reply.header('www-authenticate', 'Basic realm="the password is an enrollment token"');
    const line = `${error.code}: ${error.message}`.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
    return reply
      .code(status)
      .header(correlationIdHeader, correlationId)
      .type('text/plain; charset=utf-8')
      .send(`${line}\n`);
  };
  app.setErrorHandler((error, request, reply) => answer(request, reply, explain(error)));
  app.setNotFoundHandler((request, reply) =>
    answer(request, reply, new ProblemError('not_found', `there is no ${request.method} of this in EST here`)),
  );
}

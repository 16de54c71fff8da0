import { randomUUID } from 'node:crypto';
import { correlationIdHeader, problemKinds, problemMediaType } from '@countersign/protocol';
import type { Problem, ProblemCode } from '@countersign/protocol';
import { refusal } from '@countersign/trust';
import type { VerdictCode } from '@countersign/trust';
import type { FastifyReply } from 'fastify';
import { AuthorityError } from '../errors.ts';

/** What went wrong, in the words of the API. */
export class ProblemError extends Error {
  readonly code: ProblemCode | VerdictCode;

  constructor(code: ProblemCode | VerdictCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.name = 'ProblemError';
    this.code = code;
  }
}

/** The status and the title of a code. */
export function kindOf(code: string): { status: number; title: string } {
  if (Object.hasOwn(problemKinds, code)) return problemKinds[code as ProblemCode];
  return refusal(code as VerdictCode);
}

/** Answers with a problem (RFC 9457). What is not anybody's mistake but ours is not told beyond its code. */
export async function sendProblem(
  reply: FastifyReply,
  code: ProblemCode | VerdictCode,
  detail: string,
): Promise<Problem> {
  const { status, title } = kindOf(code);
  const correlationId = randomUUID();
  const problem = { type: `urn:countersign:problem:${code}`, title, status, code, detail, correlationId };
  await reply
    .code(status)
    .header(correlationIdHeader, correlationId)
    .type(problemMediaType)
    .send(JSON.stringify(problem));
  return problem;
}

/** A failure of ours as a problem. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof AuthorityError) {
    const code = error.code === 'storage_full' ? 'storage_full' : 'storage_failed';
    const detail =
      code === 'storage_full' ? 'its disk is full; nothing was changed' : 'its store does not answer; try again later';
    return new ProblemError(code, detail, { cause: error });
  }
  return new ProblemError('internal', 'see the log under the correlation id', { cause: error });
}

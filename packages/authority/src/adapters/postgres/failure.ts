import { DatabaseError } from 'pg';
import { AuthorityError } from '../../errors.ts';

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const diskFull = '53100';
const damaged = new Set(['XX001', 'XX002']);
const notNow = new Set(['57P01', '57P02', '57P03']);
const again = new Set(['40001', '40P01', '25P03']);

/** A failure of the server or of the way to it, in our own words. */
export function storeFailure(error: unknown): AuthorityError {
  if (error instanceof AuthorityError) return error;
  const message = error instanceof Error ? messageOf(error) : String(error);
  const code = codeOf(error);
  if (code === diskFull)
    return new AuthorityError('storage_full', `nothing was changed (${message})`, { cause: error });
  if (damaged.has(code)) return new AuthorityError('store_corrupt', `restore a backup (${message})`, { cause: error });
  return new AuthorityError('storage_failed', message, { cause: error });
}

/** The SQLSTATE of a failure, or ''. */
export function codeOf(error: unknown): string {
  const source = error instanceof AuthorityError ? error.cause : error;
  return source instanceof DatabaseError ? (source.code ?? '') : '';
}

/** Whether the connection is gone, or the server with it: another connection may fare better. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof AuthorityError) || error.cause === undefined) return false;
  const code = codeOf(error);
  return !(error.cause instanceof DatabaseError) || code.startsWith('08') || notNow.has(code) || code === '25P03';
}

/** Whether the same transaction may succeed when it is run again from its beginning. */
export function isWorthAnotherTry(error: unknown): boolean {
  return isLost(error) || again.has(codeOf(error));
}

/** An address that refuses on both families fails with several errors and no words of its own. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError)
    return error.errors.map((one) => (one instanceof Error ? one.message : '')).join(', ');
  return error.message;
}

// From anything that was thrown to a failure a user can act on. What nobody foresaw stays recognisable as our bug.
import { getSystemErrorMap } from 'node:util';
import { CliFailure, type FailureExit } from './failure.ts';

interface CodedError extends Error {
  readonly code: string;
  readonly mend?: unknown;
  /** What a service said, in an error of the SDK. */
  readonly problem?: { readonly code: string; readonly detail: string; readonly correlationId?: string | undefined };
  readonly path?: string;
  readonly syscall?: unknown;
  readonly port?: number;
  readonly address?: string;
}

const systemMends: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space and run it again; what was complete before is untouched',
  EDQUOT: 'free some space and run it again; what was complete before is untouched',
  EACCES: 'look at the owner and the mode of the file, or use another account',
  EPERM: 'look at the owner and the mode of the file, or use another account',
  EROFS: 'the file system is mounted read-only: use another folder',
  EADDRINUSE: 'stop what listens there, or choose another port (port 0 takes a free one)',
  EADDRNOTAVAIL: 'use an address of this machine',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENOTDIR: 'a part of the path is a file, not a folder',
};

/** What helps where the authority says no. */
const refusalMends: Readonly<Record<string, string>> = {
  expired:
    'an administrator makes a token (countersign token NAME), and countersign enroll gets another certificate by it',
};

/**
 * Turns what a command threw into a {@link CliFailure}.
 *
 * Errors of our packages carry a `code` and words of their own; errors of the system are told with the path they are
 * about. Anything else is a bug: one line, with the way to the stack.
 *
 * @param exit the exit code for errors of the system and of our packages (1)
 */
export function explain(error: unknown, exit: FailureExit = 1): CliFailure {
  if (error instanceof CliFailure) return error;
  if (isCoded(error)) {
    const system = systemWords(error);
    if (system !== undefined) {
      const where = error.path ?? (error.port === undefined ? undefined : `${error.address ?? ''}:${error.port}`);
      return new CliFailure({
        foreignCode: error.code,
        message: where === undefined ? system : `${where}: ${system}`,
        mend: systemMends[error.code],
        exit,
        cause: error,
      });
    }
    if (error.problem !== undefined) {
      const { code, detail, correlationId } = error.problem;
      const which = correlationId === undefined ? code : `${code}, ${correlationId}`;
      return new CliFailure({
        foreignCode: code,
        message: `the authority refuses: ${detail} (${which})`,
        mend: refusalMends[code],
        exit,
        cause: error,
      });
    }
    if (!error.code.startsWith('ERR_')) {
      const mend = typeof error.mend === 'string' ? asClause(error.mend) : undefined;
      const how = exitFor(error.code, exit);
      return new CliFailure({ foreignCode: error.code, message: error.message, mend, exit: how, cause: error });
    }
  }
  return new CliFailure({
    code: 'internal',
    message: `this is a bug in Countersign: ${error instanceof Error ? error.message : String(error)}`,
    mend: 'COUNTERSIGN_DEBUG=1 prints where it happened; please report it',
    cause: error,
  });
}

/** The same error with the name of the file that it is about, when it is a mistake in a configuration. */
export function aboutFile(path: string, error: unknown): unknown {
  if (!isCoded(error) || error.code !== 'config_invalid') return error;
  const message = `${path}: ${error.message.replaceAll(/\s*\n\s*/gu, '; ')}`;
  return new CliFailure({ code: 'config_invalid', message, exit: 2, cause: error });
}

const unusable: ReadonlySet<string> = new Set(['config_invalid', 'backup_unreadable', 'key_unreadable']);

/** The exit code for a code of our packages: a file that was named and can't be used is the command line's fault. */
export function exitFor(code: string, usual: FailureExit = 1): FailureExit {
  return code.startsWith('trust_file_') || unusable.has(code) ? 2 : usual;
}

/** A sentence as the second half of a line. */
function asClause(sentence: string): string {
  const rest = sentence.replace(/\.$/u, '');
  return /^[A-Z][a-z]/u.test(rest) ? rest.charAt(0).toLowerCase() + rest.slice(1) : rest;
}

function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function systemWords(error: CodedError): string | undefined {
  if (typeof error.syscall !== 'string') return undefined;
  for (const [code, words] of getSystemErrorMap().values()) if (code === error.code) return words;
  return undefined;
}

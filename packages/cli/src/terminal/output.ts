// What a command says: results to stdout, for people or as JSON, and remarks to stderr.
import type { CliContext } from '../context.ts';

/** The two voices of a command. With `--json` only objects reach stdout, one per line. */
export interface Output {
  readonly json: boolean;
  /** A line for people; not printed with `--json`. */
  say(line?: string): void;
  /** An object for programs; printed only with `--json`. */
  object(value: unknown): void;
  /** A remark on stderr, in both forms. */
  note(line: string): void;
}

/** The output of one command. */
export function outputOf(context: Pick<CliContext, 'process'>, json: boolean | undefined): Output {
  const { stdout, stderr } = context.process;
  return {
    json: json === true,
    say: (line = '') => {
      if (json !== true) stdout.write(`${line}\n`);
    },
    object: (value) => {
      if (json === true) stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (line) => stderr.write(`${line}\n`),
  };
}

/**
 * Lines of columns that stand under each other; the last column is not padded.
 *
 * @example columns([['NAME', 'STATUS'], ['demo', 'valid']]) // ['NAME  STATUS', 'demo  valid']
 */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** A file name as a POSIX shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/u.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

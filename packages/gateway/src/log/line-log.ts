import { openSync, writeSync } from 'node:fs';
import type { AccessLogTarget } from '../config/config.ts';

/** Lines are written together after this time, or when there are many. */
const FLUSH_MS = 100;
const FLUSH_LENGTH = 32_768;

/** A log of lines, written in batches. */
export interface LineLog {
  /** Whether anybody reads it: where nobody does, lines need not be made. */
  readonly on: boolean;
  /** @param line - without its end */
  write(line: string): void;
  /** Writes what is waiting, at once. */
  flush(): void;
}

/** Where the batches go: all or an error, synchronously, so that nothing is lost at the end of the process. */
export type Sink = (text: string) => void;

/** @param sink - undefined: nobody reads it */
export function createLineLog(sink: Sink | undefined): LineLog {
  if (sink === undefined) return { on: false, write: () => undefined, flush: () => undefined };
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text !== '') sink(text);
  };
  return {
    on: true,
    write(line) {
      waiting += `${line}\n`;
      if (waiting.length >= FLUSH_LENGTH) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    flush,
  };
}

/**
 * The sink of a configuration; undefined where it wants none.
 *
 * @throws where the file cannot be opened
 */
export function openSink(target: AccessLogTarget): Sink | undefined {
  if (target.to === 'off') return undefined;
  // Opened for appending: several workers write whole batches to one file.
  const fd = target.to === 'file' ? openSync(target.file, 'a', 0o640) : target.to === 'stdout' ? 1 : 2;
  return (text) => writeAll(fd, text);
}

/** A pipe that is full gives EAGAIN: the rest waits for room. A log that cannot be written (disk full, reader gone) stops no request. */
function writeAll(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') (fd === 1 ? process.stdout : process.stderr).write(rest);
      return;
    }
  }
}

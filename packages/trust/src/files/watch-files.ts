import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The part of the file system that is needed here; the real one by default. */
export interface FilePort {
  /** Rejects with a Node error (`code`) when the file cannot be read. */
  read(path: string): Promise<Uint8Array>;
  /** Calls `changed` when something in the directory changes; gives a way to stop. May throw: the poll is the backstop. */
  watchDirectory(path: string, changed: () => void): () => void;
}

/** Files as the operating system has them. */
export const realFiles: FilePort = {
  read: (path) => readFile(path),
  watchDirectory(path, changed) {
    const watcher = watch(path, { persistent: false }, changed);
    watcher.on('error', changed);
    return () => watcher.close();
  },
};

export interface WatchOptions<T> {
  readonly files: readonly string[];
  /** Makes the value of the files' contents, in their order; throws when it cannot. Called only when the contents changed. */
  readonly load: (contents: readonly Uint8Array[]) => T | Promise<T>;
  /** A new, good value. */
  readonly onChange: (value: T) => void;
  /** The files changed and are no good: the last good value stays. Called once for each such change, not at every poll. */
  readonly onBroken: (error: unknown) => void;
  /** How often the files are compared although nothing was heard: milliseconds. */
  readonly pollMs?: number;
  /** How long the directory must be quiet before the files are read: writers seldom write at once. Milliseconds. */
  readonly settleMs?: number;
  readonly port?: FilePort;
}

export interface FileWatch<T> {
  /** The last good value. */
  readonly value: T;
  /** Looks at once, and resolves when that is done. */
  check(): Promise<void>;
  stop(): void;
}

/**
 * Reads files and follows their changes: watches their *directories* (a watch on a file sees nothing of a Kubernetes secret's
 * symlink flip), compares content hashes, and polls slowly as a backstop. Rejects when the first load fails; a broken change
 * later keeps the last good value and is reported.
 *
 * @example
 * const watched = await watchFiles({ files: ['ca.crt'], load: ([pem]) => parse(pem), onChange, onBroken });
 */
export async function watchFiles<T>(options: WatchOptions<T>): Promise<FileWatch<T>> {
  const { files, load, onChange, onBroken, pollMs = 30_000, settleMs = 50, port = realFiles } = options;
  let seen = '';
  let stopped = false;
  let running: Promise<void> | undefined;
  let again = false;
  let settle: NodeJS.Timeout | undefined;

  const contents = await readAll(port, files);
  seen = fingerprint(contents);
  let value = await load(contents);

  async function look(): Promise<void> {
    let mark = 'unreadable';
    try {
      const read = await readAll(port, files);
      mark = fingerprint(read);
      if (mark === seen) return;
      const next = await load(read);
      if (stopped) return;
      seen = mark;
      value = next;
    } catch (error) {
      if (mark === 'unreadable') mark = `unreadable: ${String(error)}`;
      if (mark === seen || stopped) return;
      seen = mark;
      onBroken(error);
      return;
    }
    onChange(value);
  }

  /** One look at a time; what changes meanwhile is looked at afterwards. */
  function check(): Promise<void> {
    if (running !== undefined) {
      again = true;
      return running;
    }
    running = (async () => {
      do {
        again = false;
        await look();
      } while (again);
    })().finally(() => {
      running = undefined;
    });
    return running;
  }

  function hear(): void {
    if (stopped) return;
    clearTimeout(settle);
    settle = setTimeout(() => void check(), settleMs);
    settle.unref();
  }

  const stops = [...new Set(files.map((file) => dirname(file)))].map((directory) =>
    watchQuietly(port, directory, hear),
  );
  const poll = setInterval(() => void check(), pollMs);
  poll.unref();
  return {
    get value() {
      return value;
    },
    check,
    stop() {
      stopped = true;
      clearInterval(poll);
      clearTimeout(settle);
      for (const stop of stops) stop();
    },
  };
}

/** A directory that cannot be watched (not there any more, no inotify watches left) is still polled. */
function watchQuietly(port: FilePort, directory: string, changed: () => void): () => void {
  try {
    return port.watchDirectory(directory, changed);
  } catch {
    return () => undefined;
  }
}

function readAll(port: FilePort, files: readonly string[]): Promise<Uint8Array[]> {
  return Promise.all(files.map((file) => port.read(file)));
}

function fingerprint(contents: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const bytes of contents) hash.update(`${bytes.length}:`).update(bytes);
  return hash.digest('hex');
}

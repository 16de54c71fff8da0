import { createReadStream } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AuthorityError } from '../errors.ts';

// Files in a row: for each a line of JSON with its name and size, then its octets; at the end a line that says so.

/** A file to be archived. */
export interface ArchiveEntry {
  /** Its name in the archive, with `/`. */
  readonly name: string;
  /** Where it is. */
  readonly path: string;
}

interface EntryHead {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
}

const end = '{"end":true}\n';

/** The octets of an archive of these files, which do not change while they are read. */
export async function* pack(entries: readonly ArchiveEntry[]): AsyncGenerator<Uint8Array> {
  for (const { name, path } of entries) {
    const { size, mode } = await stat(path);
    const head: EntryHead = { name, size, mode: mode & 0o777 };
    yield Buffer.from(`${JSON.stringify(head)}\n`);
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  }
  yield Buffer.from(end);
}

function damaged(detail: string): AuthorityError {
  return new AuthorityError('backup_unreadable', detail);
}

function readHead(line: string): EntryHead {
  const { name, size, mode } = JSON.parse(line) as Partial<Record<keyof EntryHead, unknown>>;
  if (typeof name !== 'string' || typeof size !== 'number' || typeof mode !== 'number')
    throw damaged('an entry is malformed');
  return { name, size, mode };
}

/** Writes the files of an archive below `folder`; each name must be one that `allowed` says yes to. */
export async function unpack(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  allowed: (name: string) => boolean,
): Promise<void> {
  const pieces = source[Symbol.asyncIterator]();
  let pending = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const { value, done } = await pieces.next();
    if (done === true) throw damaged('it ends too early');
    pending = Buffer.concat([pending, value]);
  };
  for (;;) {
    while (!pending.includes(0x0a)) await more();
    const lineEnd = pending.indexOf(0x0a) + 1;
    const line = pending.subarray(0, lineEnd).toString('utf8');
    pending = pending.subarray(lineEnd);
    if (line === end) return;
    const { name, size, mode } = readHead(line);
    if (!allowed(name)) throw damaged(`it holds ${JSON.stringify(name)}`);
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx', mode & 0o700);
    try {
      for (let left = size; left > 0;) {
        if (pending.length === 0) await more();
        const piece = pending.subarray(0, left);
        await file.write(piece);
        pending = pending.subarray(piece.length);
        left -= piece.length;
      }
      await file.chmod(mode & 0o755);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

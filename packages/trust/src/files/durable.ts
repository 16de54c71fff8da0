import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The octets of a file; none when there is no such file. */
export async function readOptional(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Uint8Array();
    throw error;
  }
}

/** Replaces a file (0600) so that a crash leaves the old one or the new one, whole. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

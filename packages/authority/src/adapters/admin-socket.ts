import { createHash } from 'node:crypto';
import { lstat, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { AuthorityError } from '../errors.ts';
import { systemCode } from './files.ts';

// sun_path holds 108 octets with its end on Linux, 104 elsewhere; a longer path fails with a bare EINVAL.
const longestPath = process.platform === 'linux' ? 107 : 103;

/**
 * Where the authority of a data folder has its local socket: DATA/run/admin.sock, or, where that path is too long for a socket, a place
 * in a folder of the user's own below /tmp that follows from the path alone.
 */
export function adminSocketPath(dataDir: string, uid: number = process.getuid?.() ?? 0): string {
  const path = join(resolve(dataDir), 'run', 'admin.sock');
  if (Buffer.byteLength(path) <= longestPath) return path;
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 32);
  return join('/tmp', `countersign-${uid}`, `${name}.sock`);
}

/** Makes the socket's folder, which nobody else may enter: whoever can connect is an administrator. */
export async function prepareSocketFolder(path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  const ours = process.getuid === undefined || found.uid === process.getuid();
  // Below /tmp anybody may have made it first.
  if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0) {
    throw new AuthorityError('folder_broken', `${folder} is not a folder that only this user can enter (mode 0700)`);
  }
}

/** Removes a socket that nobody listens on any more. Throws `already_running` where somebody does. */
export async function clearSocket(path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(true)).once('error', reject);
  try {
    await promise;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return;
    if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
      await rm(path, { force: true });
      return;
    }
    throw new AuthorityError('address_unavailable', `${path} (${String(code)})`, { cause: error });
  } finally {
    socket.destroy();
  }
  throw new AuthorityError('already_running', path);
}

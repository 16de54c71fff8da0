// The place of the authority's local socket.
import { createHash } from 'node:crypto';
import { join } from 'node:path';

// sun_path holds 108 bytes with its end on Linux, 104 elsewhere; a longer path fails with a bare EINVAL.
const longestPath = process.platform === 'linux' ? 107 : 103;

/**
 * DATA/run/admin.sock, or, where that path is too long for a socket, a place in a folder of the user's own below /tmp
 * that follows from the path alone, so that authority and commands agree on it.
 *
 * @param data absolute path of the DATA folder
 * @param uid the user's number
 */
export function adminSocketPath(data: string, uid: number = process.getuid?.() ?? 0): string {
  const path = join(data, 'run', 'admin.sock');
  if (Buffer.byteLength(path) <= longestPath) return path;
  const name = createHash('sha256').update(data).digest('hex').slice(0, 32);
  return join('/tmp', `countersign-${uid}`, `${name}.sock`);
}

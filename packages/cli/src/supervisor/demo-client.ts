// The client that a first start issues, so that there is somebody to try it with.
import type { AdminClient } from '../admin/client.ts';
import type { DataFolder } from '../data/folder.ts';
import { identityFiles } from '../identity/files.ts';
import { pemOnly } from '../identity/format-wish.ts';
import { issueIdentity } from '../identity/issue.ts';

/** Issues the client `demo` into DATA/clients, once in the life of an authority: a demo that was revoked stays out. */
export async function issueDemo(client: AdminClient, folder: DataFolder): Promise<void> {
  const { certificates } = await client.call('list', { query: { name: 'demo', limit: 1 } });
  if (certificates.length > 0) return;
  await issueIdentity(client, {
    request: { name: 'demo', profile: 'client' },
    csr: undefined,
    files: identityFiles(folder.clients, 'demo'),
    // None was issued: what lies there is left from a start that was interrupted.
    force: true,
    formats: pemOnly('demo'),
  });
}

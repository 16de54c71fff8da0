// What has to be there before anything can run: the PKI, the passphrase that opens it, and a port to name in certificates.
import { loadBundle } from '@countersign/trust';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { hostPort, type HostPort } from '../admin/names.ts';
import type { CliContext } from '../context.ts';
import { type DataFolder, dataState } from '../data/folder.ts';
import { findPassphrase, makePassphrase, requirePassphrase } from '../data/secrets.ts';
import type { Output } from '../terminal/output.ts';
import { isAnyAddress } from './host-names.ts';
import type { StartPlan } from './plan.ts';

/** What was decided on the way. */
export type Prepared = Pick<StartPlan, 'passphrase' | 'http' | 'publicHttp'>;

/**
 * Makes the PKI on a fresh folder, unattended, and finds the passphrase of its issuing CA.
 *
 * @throws CliFailure for a folder that is not ours or of another version, and for a missing passphrase; AuthorityError;
 * TrustError for a file of `--trust`.
 */
export async function prepare(
  context: CliContext,
  folder: DataFolder,
  wanted: Pick<StartPlan, 'http' | 'publicHttp' | 'gateway' | 'authority' | 'enroll' | 'admin' | 'trust'>,
  output: Output,
): Promise<Prepared> {
  const state = dataState(folder);
  // Told before anything is made; a port that is taken between now and then is told by the process that wants it.
  for (const address of [wanted.gateway, wanted.authority, wanted.http, wanted.enroll, wanted.admin]) {
    if (address.port !== 0) await tryAddress(address);
  }
  // The gateway reads them again, and follows them; a mistake in them is told before anything is made.
  if (wanted.trust.length > 0) await loadBundle({ name: 'partners', files: wanted.trust });
  // Certificates name this port from the first one on, the issuing CA's own among them: it has to be known before.
  const http = wanted.http.port === 0 ? await freePort(wanted.http.host) : wanted.http;
  const publicHost = isAnyAddress(http.host) ? hostname() : http.host;
  const publicHttp = wanted.publicHttp ?? `http://${hostPort({ host: publicHost, port: http.port })}`;
  if (state === 'ready') return { http, publicHttp, passphrase: requirePassphrase(context, folder, 'issuing') };
  output.note(`countersign: a fresh folder: making a root and an issuing CA in ${folder.path}`);
  const rootPassphrase = findPassphrase(context, folder, 'root') ?? makePassphrase(folder, 'root');
  const passphrase = findPassphrase(context, folder, 'issuing') ?? makePassphrase(folder, 'issuing');
  const { initAuthority } = await import('@countersign/authority');
  await initAuthority(folder.path, { rootPassphrase, passphrase, publicHttp });
  return { http, publicHttp, passphrase };
}

function freePort(host: string): Promise<HostPort> {
  return tryAddress({ host, port: 0 });
}

/** Listens and lets go again. @throws Error of the system, e.g. EADDRINUSE, that `explain` tells. */
async function tryAddress({ host, port }: HostPort): Promise<HostPort> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { host, port: address.port };
}

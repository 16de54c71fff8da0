// What has to be there before anything can run: the PKI, the passphrase that opens it, and a port to name in certificates.
import { loadBundle } from '@countersign/trust';
import { hostname } from 'node:os';
import { hostPort, type HostPort } from '../admin/names.ts';
import type { CliContext } from '../context.ts';
import { type DataFolder, dataState } from '../data/folder.ts';
import { findPassphrase, makePassphrase, requirePassphrase } from '../data/secrets.ts';
import type { Output } from '../terminal/output.ts';
import { enrollAddress, tryAddress } from './addresses.ts';
import { checkGatewayConfig } from './gateway-config.ts';
import { isAnyAddress } from './host-names.ts';
import type { StartPlan } from './plan.ts';

/** What a start is asked for. */
export type Wanted = Omit<StartPlan, 'passphrase' | 'enroll'> & { readonly enroll: HostPort | undefined };

/** What was decided on the way. */
export type Prepared = Pick<StartPlan, 'passphrase' | 'http' | 'publicHttp' | 'enroll'>;

/**
 * Makes the PKI on a fresh folder, unattended, and finds the passphrase of its issuing CA.
 *
 * @throws CliFailure for a folder that is not ours or of another version, and for a missing passphrase; AuthorityError;
 * TrustError for a file of `--trust`; GatewayConfigError for the gateway's part of `--config`.
 */
export async function prepare(
  context: CliContext,
  folder: DataFolder,
  wanted: Wanted,
  output: Output,
): Promise<Prepared> {
  const state = dataState(folder);
  // Told before anything is made; a port that is taken between now and then is told by the process that wants it.
  for (const address of askedFor(wanted)) if (address.port !== 0) await tryAddress(address);
  const enroll =
    wanted.enroll ?? (await enrollAddress(wanted.authority, (line) => output.note(`countersign: ${line}`)));
  await checkGatewayConfig(wanted);
  // The gateway reads them again, and follows them; a mistake in them is told before anything is made.
  if (wanted.trust.length > 0) await loadBundle({ name: 'partners', files: wanted.trust });
  // Certificates name this port from the first one on, the issuing CA's own among them: it has to be known before.
  const http = wanted.http.port === 0 ? await tryAddress({ host: wanted.http.host, port: 0 }) : wanted.http;
  const publicHost = isAnyAddress(http.host) ? hostname() : http.host;
  const publicHttp = wanted.publicHttp ?? `http://${hostPort({ host: publicHost, port: http.port })}`;
  if (state === 'ready') return { http, publicHttp, enroll, passphrase: requirePassphrase(context, folder, 'issuing') };
  output.note(`countersign: a fresh folder: making a root and an issuing CA in ${folder.path}`);
  const rootPassphrase = findPassphrase(context, folder, 'root') ?? makePassphrase(folder, 'root');
  const passphrase = findPassphrase(context, folder, 'issuing') ?? makePassphrase(folder, 'issuing');
  const { initAuthority } = await import('@countersign/authority');
  await initAuthority(folder.path, { rootPassphrase, passphrase, publicHttp });
  return { http, publicHttp, enroll, passphrase };
}

/** Where the product is to listen by its flags. Where --config has listeners, the gateway's usual address is nobody's. */
export function askedFor(
  wanted: Pick<Wanted, 'gateway' | 'authority' | 'http' | 'enroll' | 'admin' | 'gatewayConfig'>,
): readonly HostPort[] {
  const gateway = wanted.gatewayConfig?.['listeners'] === undefined ? [wanted.gateway] : [];
  const { authority, http, enroll, admin } = wanted;
  return [...gateway, authority, http, ...(enroll === undefined ? [] : [enroll]), admin];
}

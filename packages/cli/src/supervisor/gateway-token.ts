// Whether the gateway needs an enrollment token, and one for it.
import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Certificate, parseCertificate, parseIpAddress, pemDecode, PkiError, toHex } from '@countersign/pki';
import type { San } from '@countersign/protocol';
import type { AdminClient } from '../admin/client.ts';
import { type DataFolder, isMissing } from '../data/folder.ts';

// A certificate this close to its end might not live until the gateway has renewed it.
const shortestMs = 60_000;

/**
 * A token with which the gateway enrolls, or `undefined` when it has a certificate that is good for these names.
 *
 * @param names DNS names and IP addresses that it will show certificates for
 */
export async function gatewayToken(
  folder: DataFolder,
  client: AdminClient,
  names: readonly string[],
  now: number,
): Promise<string | undefined> {
  const sans = names.map((value): San => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }));
  const own = ownCertificate(folder);
  if (own !== undefined && own.notBefore <= now && own.notAfter - shortestMs > now && covers(own, sans)) {
    const { status } = await client
      .call('show', { path: { serial: own.serialHex } })
      .catch(() => ({ status: 'unknown' }));
    if (status === 'valid') return undefined;
  }
  for (const name of ['identity.crt', 'identity.key']) rmSync(join(folder.gateway, name), { force: true });
  const { token } = await client.call('token', {
    body: { name: `gateway ${hostname()}`.slice(0, 64), profile: 'gateway', sans },
  });
  return token;
}

function ownCertificate(folder: DataFolder): Certificate | undefined {
  try {
    const [leaf] = pemDecode(readFileSync(join(folder.gateway, 'identity.crt')));
    return leaf === undefined ? undefined : parseCertificate(leaf.der);
  } catch (error) {
    if (isMissing(error) || error instanceof PkiError) return undefined;
    throw error;
  }
}

function covers(certificate: Certificate, wanted: readonly San[]): boolean {
  const has = new Set(
    (certificate.subjectAltName ?? []).flatMap((name) => {
      if (name.type === 'dns') return [`dns:${name.value}`];
      return name.type === 'ip' ? [`ip:${toHex(name.value)}`] : [];
    }),
  );
  return wanted.every(({ type, value }) =>
    has.has(type === 'ip' ? `ip:${toHex(parseIpAddress(value) ?? new Uint8Array())}` : `dns:${value}`),
  );
}

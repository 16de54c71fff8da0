import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { buildAndValidate, nameToString, parseCertificate, PkiError } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { anchorOf, nodeCrypto, sha256Hex } from '@countersign/trust';

import { TLS_DEFAULTS } from '../client/tls-options.ts';
import { SdkError } from '../errors.ts';

/** Where to connect. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The host and port of an https URL. */
export function endpointOf(url: URL): Endpoint {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return { host, port: url.port === '' ? 443 : Number(url.port) };
}

/**
 * Finds the root with this fingerprint in the chain that a server shows, and checks that the server is under it and is
 * called what we call it. The handshake is all that passes over the connection: nothing is sent.
 *
 * @param fingerprint SHA-256 of the root certificate: lower-case hex.
 * @param now milliseconds since the epoch.
 * @throws SdkError `authority_unreachable`, `root_not_shown`, `server_untrusted`
 */
export async function pinRoot(
  endpoint: Endpoint,
  { fingerprint, now, timeoutMs = 15_000 }: { fingerprint: string; now: number; timeoutMs?: number },
): Promise<Certificate> {
  const shown = await showChain(endpoint, timeoutMs);
  const root = shown.find((certificate) => sha256Hex(certificate.der) === fingerprint);
  const [leaf, ...others] = shown;
  if (root === undefined || leaf === undefined) {
    const names = shown.map((certificate) => nameToString(certificate.subject)).join('; ');
    throw new SdkError('root_not_shown', `${endpoint.host}:${endpoint.port} shows another chain: ${names}`);
  }
  const result = buildAndValidate(leaf, {
    anchors: [anchorOf(root)],
    intermediates: others,
    time: now,
    crypto: nodeCrypto,
    purpose: 'server',
    host: endpoint.host,
  });
  if (!result.ok) throw new SdkError('server_untrusted', `${endpoint.host}:${endpoint.port}: ${result.detail}`);
  return root;
}

/** The chain that a server shows, as it shows it. It is not believed: the caller checks it. */
async function showChain({ host, port }: Endpoint, timeoutMs: number): Promise<Certificate[]> {
  // The one place where the platform's verification is off: there is no root yet that it could verify against.
  const socket = connect({ ...TLS_DEFAULTS, host, port, ...serverName(host), rejectUnauthorized: false });
  try {
    await secured(socket, timeoutMs);
    return chainOf(socket);
  } catch (error) {
    if (error instanceof PkiError) {
      throw new SdkError('server_untrusted', `its certificate cannot be read: ${error.message}`, { cause: error });
    }
    const detail = error instanceof Error ? error.message : String(error);
    throw new SdkError('authority_unreachable', `${host}:${port}: ${detail}`, { cause: error });
  } finally {
    socket.destroy();
  }
}

function secured(socket: TLSSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(timeoutMs, () => reject(new Error('no answer in time')));
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed during the handshake')));
  });
}

/** An IP address is no server name (RFC 6066 section 3). */
export function serverName(host: string): { servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}

function chainOf(socket: TLSSocket): Certificate[] {
  const chain: Certificate[] = [];
  for (let shown = socket.getPeerX509Certificate(); shown !== undefined; shown = shown.issuerCertificate) {
    const certificate = parseCertificate(shown.raw);
    if (chain.some((known) => sha256Hex(known.der) === sha256Hex(certificate.der))) break;
    chain.push(certificate);
  }
  return chain;
}

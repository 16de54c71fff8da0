import { hash } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { DerReader, equalOctets, parseCertificate, parseIpAddress, PkiError } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import type { Identifier } from '../../domain/acme/problem.ts';
import type { ValidationTask } from '../../domain/acme/validations.ts';
import { systemCode } from '../files.ts';
import { ValidationFailed } from './failure.ts';
import { reach } from './reach.ts';
import type { Reach } from './reach.ts';

const protocol = 'acme-tls/1';
/** id-pe-acmeIdentifier (RFC 8737, section 3). */
const acmeIdentifier = '1.3.6.1.5.5.7.1.31';
const handshakeMs = 5000;

/** Looks for a certificate that was made for the challenge (RFC 8737; for addresses RFC 8738, section 6). */
export async function validateTlsAlpn01(where: Reach, task: ValidationTask, signal: AbortSignal): Promise<void> {
  const { type, value } = task.identifier;
  const servername = type === 'dns' ? value : reverseName(value);
  const der = await reach(where, value, signal, (address) =>
    certificateAt(address, where.ports.https, servername, signal),
  );
  const fault = faultOf(der, task.identifier, hash('sha256', task.keyAuthorization, 'buffer'));
  if (fault !== undefined) throw new ValidationFailed('unauthorized', `${value}: ${fault}`, false);
}

/** The name under which the reverse zones have an address. */
export function reverseName(address: string): string {
  const octets = [...(parseIpAddress(address) ?? [])];
  if (octets.length === 4) return `${octets.toReversed().join('.')}.in-addr.arpa`;
  const nibbles = octets.flatMap((octet) => [octet >> 4, octet & 15]);
  return `${nibbles
    .toReversed()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}

async function certificateAt(
  address: string,
  port: number,
  servername: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const socket: TLSSocket = connect({
    host: address,
    port,
    servername,
    ALPNProtocols: [protocol],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  });
  const fail = (type: 'connection' | 'tls', words: string): void =>
    reject(new ValidationFailed(type, `${address}: ${words}`, true));
  const onAbort = (): void => fail('connection', 'no answer in time');
  signal.addEventListener('abort', onAbort, { once: true });
  socket.setTimeout(handshakeMs, () => fail('connection', 'no answer in time'));
  socket.once('error', (error) => {
    const code = systemCode(error) ?? '';
    fail(/^(?:ERR_SSL|ERR_TLS|EPROTO)/u.test(code) ? 'tls' : 'connection', code);
  });
  socket.once('end', () => fail('connection', 'the connection was closed'));
  socket.once('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate();
    if (socket.alpnProtocol !== protocol) fail('tls', `it does not speak ${protocol}`);
    else if (certificate === undefined) fail('tls', 'it shows no certificate');
    else resolve(certificate.raw);
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** What keeps a certificate from being the challenge's: RFC 8737, section 3. */
export function faultOf(der: Uint8Array, identifier: Identifier, digest: Uint8Array): string | undefined {
  let certificate: Certificate;
  try {
    certificate = parseCertificate(der);
  } catch (error) {
    if (error instanceof PkiError) return `its certificate cannot be read (${error.code})`;
    throw error;
  }
  const [name, ...others] = certificate.subjectAltName ?? [];
  if (name === undefined || others.length > 0 || !isIdentifier(name, identifier)) {
    return 'its certificate has other subjectAltNames than this one alone';
  }
  const extension = certificate.extensions.find(({ oid }) => oid === acmeIdentifier);
  if (extension === undefined || !extension.critical) return 'its certificate has no critical acmeIdentifier';
  return holds(extension.value, digest) ? undefined : 'its acmeIdentifier is of another key authorization';
}

function isIdentifier(name: { readonly type: string; readonly value?: unknown }, { type, value }: Identifier): boolean {
  if (name.type !== type) return false;
  if (type === 'dns') return typeof name.value === 'string' && name.value.toLowerCase() === value;
  const octets = isIP(value) === 0 ? undefined : parseIpAddress(value);
  return octets !== undefined && name.value instanceof Uint8Array && equalOctets(name.value, octets);
}

/** An OCTET STRING of exactly the digest. */
function holds(value: Uint8Array, digest: Uint8Array): boolean {
  try {
    const reader = new DerReader(value);
    reader.octetString();
    const content = reader.content();
    reader.finish();
    return equalOctets(content, digest);
  } catch (error) {
    if (error instanceof PkiError) return false;
    throw error;
  }
}

import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions, DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';

import { parseCertificate, PkiError, verifyOcspResponse } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { issuerAmong, nodeCrypto } from '@countersign/trust';

import { SdkError } from '../errors.ts';

/**
 * What is asked of the OCSP response that a server staples to its certificate. `required`: without one that says `good` there is
 * no connection, and no session is resumed, because a resumed one shows none. `honoured`: who is revoked by it is refused, and who
 * says in its certificate that it is always there (RFC 7633) must have it. `ignored`: none is asked for.
 */
export type StapleDemand = 'required' | 'honoured' | 'ignored';

/** How far the clocks of responders may be ahead of ours. */
const CLOCK_SKEW_SECONDS = 300;
const MAX_CHAIN = 16;

export interface ServerStatusOptions {
  readonly demand: StapleDemand;
  /** The issuer may be one of these. */
  readonly roots: readonly Certificate[];
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Lets a connection look at the server's stapled response: Node asks for it but verifies nothing.
 *
 * @returns the options to connect with, and what to do with the socket that comes of them, at once
 * @example
 * const watched = watchServerStatus({ host, port, ca }, { demand: 'required', roots, now: Date.now });
 * const socket = watched.watch(tls.connect(watched.options));
 */
export function watchServerStatus<Options extends ConnectionOptions>(
  options: Options,
  status: ServerStatusOptions,
): { readonly options: Options; watch(socket: TLSSocket): TLSSocket } {
  if (status.demand === 'ignored') return { options, watch: (socket) => socket };
  let staple: Uint8Array | undefined;
  const checkName = options.checkServerIdentity ?? checkServerIdentity;
  return {
    options: {
      ...options,
      requestOCSP: true,
      // Called when the chain stands, before anything that was written leaves; an error here ends the connection.
      checkServerIdentity: (host: string, peer: PeerCertificate) =>
        checkName(host, peer) ?? judgeServerStatus(peer, staple, status),
    },
    watch: (socket) =>
      socket.once('OCSPResponse', (response: Buffer | null | undefined) => {
        staple = response ?? undefined;
      }),
  };
}

/**
 * Judges the response that came along with a server's certificate, whose chain was verified.
 *
 * @returns why the server is refused: `server_revoked`, `staple_missing`, `staple_invalid`
 */
export function judgeServerStatus(
  peer: PeerCertificate,
  staple: Uint8Array | undefined,
  { demand, roots, now }: ServerStatusOptions,
): SdkError | undefined {
  const [leaf, ...others] = shownBy(peer);
  // Whether it demands a response is not known of a certificate that cannot be read.
  if (leaf === undefined) return new SdkError('staple_invalid', "the server's certificate cannot be read");
  const isNeeded = demand === 'required' || leaf.mustStaple;
  const refuse = (code: 'staple_missing' | 'staple_invalid', detail: string) =>
    isNeeded ? new SdkError(code, detail) : undefined;
  if (staple === undefined) return refuse('staple_missing', 'the server stapled no OCSP response to its certificate');
  // OpenSSL has verified a path; whoever has signed the certificate is the issuer on it, whatever else was shown along.
  const issuer = issuerAmong(leaf, [...others, ...roots], nodeCrypto);
  if (issuer === undefined) {
    return refuse('staple_invalid', "the server's OCSP response cannot be verified: its issuer is not at hand");
  }
  const result = verifyOcspResponse(staple, {
    certificate: leaf,
    issuer,
    time: now(),
    crypto: nodeCrypto,
    clockSkewSeconds: CLOCK_SKEW_SECONDS,
  });
  if (result.status === 'revoked') {
    const since = new Date(result.revocationTime).toISOString();
    return new SdkError('server_revoked', `the server's certificate was revoked at ${since}`);
  }
  if (result.status === 'good') return undefined;
  return refuse('staple_invalid', `the server's OCSP response says nothing: ${result.code} ${result.detail}`.trim());
}

/** The server's certificate, then what Node links it to; nothing where it cannot be read. */
function shownBy(peer: PeerCertificate): Certificate[] {
  const certificates: Certificate[] = [];
  try {
    let next: PeerCertificate | undefined = peer;
    while (next !== undefined && certificates.length < MAX_CHAIN) {
      certificates.push(parseCertificate(next.raw));
      const above: PeerCertificate | undefined = (next as Partial<DetailedPeerCertificate>).issuerCertificate;
      // A self-signed one is its own issuer.
      next = above === next ? undefined : above;
    }
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
  }
  return certificates;
}

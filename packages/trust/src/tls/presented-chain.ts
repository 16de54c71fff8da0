import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** Longer chains are cut: a path needs fewer, and a bag of a hundred is only work. */
const MAX_CERTIFICATES = 24;

/**
 * The certificates that a client presented in this handshake, leaf first, as DER; empty where it presented none. To be read
 * once, at `secureConnection`: later the socket may tell something else. In a resumed session only the leaf is known.
 */
export function presentedChain(socket: Pick<TLSSocket, 'getPeerX509Certificate'>): readonly Buffer[] {
  const chain: Buffer[] = [];
  let certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < MAX_CERTIFICATES) {
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

import { constants } from 'node:crypto';
import type { SecureContextOptions, TlsOptions } from 'node:tls';

/** TLS 1.2 only with forward secrecy and authenticated encryption (also what RFC 9113 section 9.2.2 asks of HTTP/2). */
export const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** A certificate and its key as PEM. */
export interface KeyPair {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

/**
 * What every context of a server that judges has. `hints` are certificates whose subjects the client is told as acceptable CAs; they are
 * no trust: OpenSSL is asked for the client's certificate and never decides.
 */
export function contextOptions(pair: KeyPair, hints: readonly Buffer[]): SecureContextOptions {
  return {
    cert: pair.cert,
    key: pair.key,
    ca: [...hints],
    ciphers: CIPHERS,
    minVersion: 'TLSv1.2',
    // Renegotiation would swap the client's certificate under a connection without an event.
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
    sessionIdContext: 'countersign',
  };
}

/** What a listener's server has beyond its default context. */
export function serverOptions(handshakeTimeoutMs: number): TlsOptions {
  return {
    requestCert: true,
    // Our own verdict on every connection decides, resumed ones included; OpenSSL's is not looked at.
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: handshakeTimeoutMs,
  };
}

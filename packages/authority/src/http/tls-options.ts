import { constants } from 'node:crypto';
import type { ServerOptions } from 'node:https';

/** The key and chain that the API shows. */
export interface ApiIdentity {
  readonly key: string;
  /** PEM: leaf, issuing CA, root. The root goes along so that a client that knows only its fingerprint can check it. */
  readonly chain: string;
  /** PEM of the root: the CAs that clients are told to have a certificate of. */
  readonly ca: string;
}

/** What stays the same when the identity changes: setSecureContext forgets whatever it is not told again. */
export function secureContext({ key, chain, ca }: ApiIdentity): ServerOptions {
  return {
    key,
    cert: chain,
    ca,
    minVersion: 'TLSv1.2',
    // TLS 1.2 with ECDHE and AEAD only.
    ciphers: [
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
      'TLS_AES_128_GCM_SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-CHACHA20-POLY1305',
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
    ].join(':'),
    // A renegotiation would swap the client's certificate without an event.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** A listener that asks for no certificate, so that browsers do not ask their users for one. */
export function openTlsOptions(identity: ApiIdentity): ServerOptions {
  return { ...secureContext(identity), requestCert: false, ALPNProtocols: ['http/1.1'], handshakeTimeout: 10_000 };
}

/** The API's listener: it asks for a certificate and decides itself, at every request. */
export function tlsOptions(identity: ApiIdentity): ServerOptions {
  return {
    ...secureContext(identity),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: 10_000,
  };
}

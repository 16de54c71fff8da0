import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

import { SdkError } from '../errors.ts';

/** TLS 1.3, and of TLS 1.2 only forward secrecy with authenticated encryption. */
export const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/**
 * How everything of ours speaks TLS, on either side: 1.2 at least, and no renegotiation, which could swap the other side's
 * certificate without an event.
 */
export const TLS_DEFAULTS = {
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS,
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const satisfies SecureContextOptions;

/**
 * Refuses to go on where the environment has switched off the verification of servers.
 *
 * @throws SdkError `tls_disarmed`
 */
export function refuseDisarmedTls(environment: Readonly<Record<string, string | undefined>> = process.env): void {
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new SdkError('tls_disarmed', 'NODE_TLS_REJECT_UNAUTHORIZED=0 is set: no server would be verified');
}

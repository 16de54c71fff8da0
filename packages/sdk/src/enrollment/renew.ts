import type { KeyKind } from '@countersign/trust';

import { refuseDisarmedTls } from '../client/tls-options.ts';
import { SdkError } from '../errors.ts';
import { loadIdentity } from '../identity/identity-files.ts';
import type { IdentityFiles } from '../identity/identity-files.ts';
import { keyPem } from '../identity/material.ts';
import type { Material } from '../identity/material.ts';
import { callAuthority } from './api-call.ts';
import type { ApiCall, Waiting } from './api-call.ts';
import { acceptAnswer, requestKey } from './certify.ts';
import { certifyIntoFiles } from './certify-into-files.ts';
import type { CertificateWish } from './certify-into-files.ts';

export interface RenewOptions {
  /** The authority's base URL. */
  readonly url: string;
  readonly keyKind?: KeyKind | undefined;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told once where an administrator has to approve the renewal: from then on the authority is asked until that is decided. */
  readonly onWaiting?: ((waiting: Waiting) => void) | undefined;
}

/**
 * Gets a certificate for the same names over mutual TLS with the present one, and with a new key. The authority refuses what
 * was ever revoked.
 *
 * @throws SdkError `authority_refused` with the authority's code, and others
 */
export async function renew(present: Material, options: RenewOptions): Promise<Material> {
  const { now = Date.now, keyKind = 'p256' } = options;
  const call = renewalCall(present, options);
  const { leaf } = present;
  const request = await requestKey(keyKind, leaf.subject, leaf.subjectAltName ?? []);
  const answer = await callAuthority({ ...call, body: { csr: request.csr } });
  return acceptAnswer(answer, request, { known: present.roots, now: now() });
}

function renewalCall(present: Material, options: RenewOptions): Omit<ApiCall, 'body'> {
  refuseDisarmedTls();
  if (!URL.canParse(options.url) || !options.url.startsWith('https://')) {
    throw new SdkError('authority_unreachable', `${JSON.stringify(options.url)} is no https URL`);
  }
  return {
    url: new URL(options.url),
    path: 'v1/renew',
    ca: present.caPem,
    identity: { cert: present.certPem, key: keyPem(present) },
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    onWaiting: options.onWaiting,
  };
}

/**
 * Renews the identity in these files, in place: they hold the old identity or the new one at every moment. Where an administrator has to
 * approve it, the new key waits beside its place (`KEY.pending`, under the passphrase where there is one), and whoever calls again goes on
 * with it. An identity that has expired is renewed too, where the authority allows that for its profile.
 *
 * @example
 * await renewFiles({ cert: 'demo.crt', key: 'demo.key', ca: 'ca.crt' }, { url: 'https://ca.example:8443' });
 */
export async function renewFiles(
  files: IdentityFiles,
  options: RenewOptions & Pick<CertificateWish, 'staysDenied'> & { readonly passphrase?: string },
): Promise<Material> {
  const { passphrase, now = Date.now, keyKind, staysDenied } = options;
  const present = await loadIdentity(files, passphrase === undefined ? {} : { passphrase });
  const { leaf } = present;
  return certifyIntoFiles(files, {
    keyKind,
    subject: leaf.subject,
    sans: leaf.subjectAltName,
    call: renewalCall(present, options),
    bodyOf: (csr) => ({ csr }),
    known: present.roots,
    now,
    passphrase,
    staysDenied,
  });
}

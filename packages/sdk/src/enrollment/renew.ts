import type { KeyKind } from '@countersign/trust';

import { refuseDisarmedTls } from '../client/tls-options.ts';
import { SdkError } from '../errors.ts';
import { loadIdentity, saveIdentity } from '../identity/identity-files.ts';
import type { IdentityFiles } from '../identity/identity-files.ts';
import { keyPem, writeMaterial } from '../identity/material.ts';
import type { Material } from '../identity/material.ts';
import { callAuthority } from './api-call.ts';
import type { Waiting } from './api-call.ts';
import { acceptAnswer, requestKey } from './certify.ts';

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
  refuseDisarmedTls();
  const { now = Date.now, keyKind = 'p256' } = options;
  if (!URL.canParse(options.url) || !options.url.startsWith('https://')) {
    throw new SdkError('authority_unreachable', `${JSON.stringify(options.url)} is no https URL`);
  }
  const { leaf } = present;
  const request = await requestKey(keyKind, leaf.subject, leaf.subjectAltName ?? []);
  const answer = await callAuthority({
    url: new URL(options.url),
    path: 'v1/renew',
    body: { csr: request.csr },
    ca: present.caPem,
    identity: { cert: present.certPem, key: keyPem(present) },
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    onWaiting: options.onWaiting,
  });
  return acceptAnswer(answer, request, { known: present.roots, now: now() });
}

/**
 * Renews the identity in these files, in place: they hold the old identity or the new one at every moment.
 *
 * @example
 * await renewFiles({ cert: 'demo.crt', key: 'demo.key', ca: 'ca.crt' }, { url: 'https://ca.example:8443' });
 */
export async function renewFiles(
  files: IdentityFiles,
  options: RenewOptions & { readonly passphrase?: string },
): Promise<Material> {
  const present = await loadIdentity(files, options.passphrase === undefined ? {} : { passphrase: options.passphrase });
  const next = await renew(present, options);
  await saveIdentity(files, await writeMaterial(next, options.passphrase));
  return next;
}

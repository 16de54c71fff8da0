import type { KeyObject } from 'node:crypto';

import { equalOctets } from '@countersign/pki';
import type { Certificate, GeneralName, Name } from '@countersign/pki';
import { spkiOf } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';

import { SdkError } from '../errors.ts';
import { loadIdentity, saveIdentity } from '../identity/identity-files.ts';
import type { IdentityFiles } from '../identity/identity-files.ts';
import { writeMaterial } from '../identity/material.ts';
import type { Material } from '../identity/material.ts';
import { callAuthority } from './api-call.ts';
import type { ApiCall } from './api-call.ts';
import { acceptAnswer, requestKey } from './certify.ts';
import { readPendingKey, removePendingKey, writePendingKey } from './pending-key.ts';

/** A certificate that is asked for, and the files that it is for. */
export interface CertificateWish {
  readonly keyKind?: KeyKind | undefined;
  readonly subject: Name | string;
  readonly sans?: readonly GeneralName[] | undefined;
  readonly call: Omit<ApiCall, 'body'>;
  /** The body of the request, around the certificate request (PEM). */
  readonly bodyOf: (csr: string) => object;
  /** The roots that the answer has to lead to one of. */
  readonly known: readonly Certificate[];
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** The key is kept under it, in its file and while it waits. */
  readonly passphrase?: string | undefined;
  /**
   * What an administrator has denied stays denied for whoever asks again, until the authority forgets that: for those who ask again and
   * again by themselves. Without it the next call asks with another key.
   */
  readonly staysDenied?: boolean | undefined;
}

/**
 * Makes a key, gets it certified and puts both into these files. Where an administrator has to approve, the key is kept beside its place
 * (`KEY.pending`, readable by its owner only, under the passphrase where there is one) while this waits: whoever calls again after it has
 * ended meanwhile goes on with the same request, and takes its certificate up when it was approved.
 *
 * @throws SdkError
 */
export async function certifyIntoFiles(files: IdentityFiles, wish: CertificateWish): Promise<Material> {
  const { passphrase, call, now, known } = wish;
  const pending = `${files.key}.pending`;
  const kept = await keptKey(files, pending, passphrase);
  const request = await requestKey(kept ?? wish.keyKind ?? 'p256', wish.subject, wish.sans);
  const asking = callAuthority({
    ...call,
    body: wish.bodyOf(request.csr),
    onWaiting: async (waiting) => {
      if (kept === undefined) await writePendingKey(pending, request.key, passphrase);
      await call.onWaiting?.(waiting);
    },
  });
  const answer = await asking.catch(async (error: unknown) => {
    if (isFinal(error, wish.staysDenied === true)) await removePendingKey(pending);
    throw error;
  });
  const material = acceptAnswer(answer, request, { known, now: now() });
  await saveIdentity(files, await writeMaterial(material, passphrase));
  await removePendingKey(pending);
  return material;
}

/** The key that waits, unless nobody can open it any more, or it has its place already. */
async function keptKey(
  files: IdentityFiles,
  pending: string,
  passphrase: string | undefined,
): Promise<KeyObject | undefined> {
  const key = await readPendingKey(pending, passphrase).catch(() => undefined);
  if (key === undefined) return undefined;
  const present = await loadIdentity(files, passphrase === undefined ? {} : { passphrase }).catch(() => undefined);
  return present !== undefined && equalOctets(present.leaf.spki.der, spkiOf(key)) ? undefined : key;
}

/** Whether a refusal ends the request with this key. */
function isFinal(error: unknown, staysDenied: boolean): boolean {
  const problem = error instanceof SdkError ? error.problem : undefined;
  if (problem === undefined || problem.status >= 500 || problem.status === 429) return false;
  return !(staysDenied && problem.code === 'request_denied');
}

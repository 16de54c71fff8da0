// Asks an authority for a certificate and writes what came.
import { rmSync } from 'node:fs';
import type { CertificateRequest, IssuedCertificate } from '@countersign/protocol';
import type { AdminClient } from '../admin/client.ts';
import { type IdentityFiles, refuseOverwrite, writeWhole } from './files.ts';
import { filesOfFormats, type FormatWish } from './format-wish.ts';
import { writeFormats } from './formats.ts';
import { makeKeyAndRequest } from './key-pair.ts';

/** What to ask for, and how to write it. */
export interface IssueWish {
  readonly request: Omit<CertificateRequest, 'csr'>;
  /** A request made elsewhere, PEM: then its key is elsewhere too, and none is written. */
  readonly csr: string | undefined;
  readonly files: IdentityFiles;
  readonly force: boolean;
  readonly formats: FormatWish;
}

/** What was written where. */
export interface IssuedIdentity {
  readonly issued: IssuedCertificate;
  readonly written: readonly string[];
}

/**
 * Issues a certificate. The key is on disk before the request leaves, so that no certificate is ever without its key; it
 * goes away again when the authority refuses.
 *
 * @throws CliFailure `file_exists` before anything is asked for; what the authority refuses.
 */
export async function issueIdentity(client: AdminClient, wish: IssueWish): Promise<IssuedIdentity> {
  const { files, force, formats } = wish;
  refuseOverwrite(filesOfFormats(files, formats, wish.csr === undefined), force);
  const own = wish.csr === undefined ? await makeKeyAndRequest(wish.request.name) : undefined;
  const pendingKey = `${files.key}.pending`;
  if (own !== undefined) writeWhole(pendingKey, own.key, 0o600, 'always');
  let issued: IssuedCertificate;
  try {
    issued = await client.call('issue', { body: { ...wish.request, csr: wish.csr ?? own?.csr ?? '' } });
  } catch (error) {
    rmSync(pendingKey, { force: true });
    throw error;
  }
  const text = { cert: issued.certificate, ca: issued.ca, key: own?.key };
  const written = await writeFormats(files, text, formats, force ? 'always' : 'never');
  rmSync(pendingKey, { force: true });
  return { issued, written };
}

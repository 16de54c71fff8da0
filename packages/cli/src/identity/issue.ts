// Asks an authority for a certificate and writes what came.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { buildPkcs12, pemDecode, type Pkcs12Format } from '@countersign/pki';
import type { CertificateRequest, IssuedCertificate } from '@countersign/protocol';
import { nodePasswordCrypto } from '@countersign/trust';
import type { AdminClient } from '../admin/client.ts';
import { type IdentityFiles, refuseOverwrite, writeWhole } from './files.ts';
import { makeKeyAndRequest } from './key-pair.ts';

/** A PKCS#12 file to write beside the others. Without a password a random one is made and kept in NAME.p12.pass. */
export interface P12Wish {
  readonly format: Pkcs12Format;
  readonly password: string | undefined;
}

/** What to ask for, and how to write it. */
export interface IssueWish {
  readonly request: Omit<CertificateRequest, 'csr'>;
  /** A request made elsewhere, PEM: then its key is elsewhere too, and none is written. */
  readonly csr: string | undefined;
  readonly files: IdentityFiles;
  readonly force: boolean;
  readonly p12: P12Wish | undefined;
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
  const { files, force, p12 } = wish;
  const p12Files = p12 === undefined ? [] : p12.password === undefined ? [files.p12, files.p12Password] : [files.p12];
  refuseOverwrite([files.cert, ...(wish.csr === undefined ? [files.key] : []), ...p12Files], force);
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
  const overwrite = force ? 'always' : 'never';
  const written: string[] = [];
  const put = (path: string, content: string | Uint8Array, mode: number): void => {
    writeWhole(path, content, mode, overwrite);
    written.push(path);
  };
  if (own !== undefined) {
    put(files.key, own.key, 0o600);
    rmSync(pendingKey, { force: true });
  }
  put(files.cert, issued.certificate, 0o644);
  writeWhole(files.ca, issued.ca, 0o644, force ? 'always' : 'same');
  written.push(files.ca);
  if (p12 !== undefined && own !== undefined) {
    const password = p12.password ?? randomBytes(18).toString('base64url');
    const certificates = [issued.certificate, issued.ca]
      .flatMap((pem) => pemDecode(pem))
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ der }) => der);
    const contents = { key: own.keyDer, certificates, friendlyName: wish.request.name };
    put(files.p12, await buildPkcs12(contents, password, nodePasswordCrypto, { format: p12.format }), 0o600);
    if (p12.password === undefined) put(files.p12Password, `${password}\n`, 0o600);
  }
  return { issued, written };
}

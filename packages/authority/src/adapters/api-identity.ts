import { createPrivateKey } from 'node:crypto';
import { buildCsr, buildName, equalOctets, parseCertificate, pemDecode, pemEncode } from '@countersign/pki';
import { generateKeyPair, nodeSigner, spkiOf } from '@countersign/trust';
import type { San } from '@countersign/protocol';
import { issue } from '../domain/issue.ts';
import type { IssuanceContext } from '../domain/issue.ts';
import type { StoredCertificate } from '../domain/ports.ts';
import { namesFor, profiles } from '../domain/profiles.ts';
import { AuthorityError } from '../errors.ts';
import type { ApiIdentity } from '../http/tls-options.ts';
import type { DataFolder } from './data-folder.ts';
import { makePrivateFolder, readIfThere, writeFileDurably } from './files.ts';

const name = 'countersign-authority';

/** The API's identity, and when it ends (milliseconds since the epoch). */
export interface KeptIdentity extends ApiIdentity {
  readonly notAfter: number;
}

/**
 * The API's own TLS certificate: the one in the data folder while it still serves (the same names, not revoked, a third of its life
 * left), else a new one from the issuing CA, with a new key.
 */
export async function keepApiIdentity(
  folder: DataFolder,
  context: IssuanceContext,
  sans: readonly San[],
): Promise<KeptIdentity> {
  return (await readIdentity(folder, context, sans)) ?? renewIdentity(folder, context, sans);
}

async function readIdentity(
  folder: DataFolder,
  context: IssuanceContext,
  sans: readonly San[],
): Promise<KeptIdentity | undefined> {
  const [key, chain] = await Promise.all([readIfThere(folder.apiKey), readIfThere(folder.apiCertificate)]);
  if (key === undefined || chain === undefined) return undefined;
  try {
    const leaf = pemDecode(chain).at(0);
    if (leaf === undefined) return undefined;
    const { serialHex, spki } = parseCertificate(leaf.der);
    const stored = (await context.store.certificatesBySerial(serialHex)).find(({ der }) => equalOctets(der, leaf.der));
    const keyFits = equalOctets(spkiOf(createPrivateKey(Buffer.from(key))), spki.der);
    if (stored === undefined || !keyFits || !stillServes(stored, context, sans)) return undefined;
    return identity(Buffer.from(key).toString('utf8'), stored, context);
  } catch {
    // Whatever is wrong with these files, a new certificate mends it.
    return undefined;
  }
}

function stillServes(stored: StoredCertificate, context: IssuanceContext, sans: readonly San[]): boolean {
  const now = context.clock();
  const wanted = sans.every(({ type, value }) => stored.sans.some((has) => has.type === type && has.value === value));
  const left = stored.notAfter - now;
  const issuer = context.cas().issuing.some(({ keyHash }) => keyHash === stored.issuer);
  return wanted && issuer && stored.revocation === undefined && left > (stored.notAfter - stored.notBefore) / 3;
}

async function renewIdentity(
  folder: DataFolder,
  context: IssuanceContext,
  sans: readonly San[],
): Promise<KeptIdentity> {
  const { privateKey } = await generateKeyPair('p256');
  const csr = await buildCsr({ subject: buildName([{ type: 'CN', value: name }]) }, nodeSigner(privateKey));
  const proven = namesFor(profiles.server, name, sans);
  const outcome = proven.ok
    ? await issue(context, proven.names, {
        name,
        profile: 'server',
        sans,
        csr: pemEncode('CERTIFICATE REQUEST', csr),
        actor: { kind: 'authority' },
        action: 'certificate.issued',
        approval: 'given',
      })
    : proven;
  if (!outcome.ok) throw new AuthorityError('invalid_option', `no certificate for the API: ${outcome.detail}`);
  const [stored] = await context.store.certificatesBySerial(outcome.issued.serial);
  if (stored === undefined) throw new AuthorityError('storage_failed', 'a certificate that was stored is not there');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const made = identity(key, stored, context);
  makePrivateFolder(folder.apiFolder);
  await writeFileDurably(folder.apiKey, key, 0o600);
  await writeFileDurably(folder.apiCertificate, made.chain, 0o644);
  return made;
}

function identity(key: string, stored: StoredCertificate, context: IssuanceContext): KeptIdentity {
  const { root, issuing } = context.cas();
  const issuer = issuing.find(({ keyHash }) => keyHash === stored.issuer);
  const chain = pemEncode('CERTIFICATE', stored.der) + (issuer?.pem ?? '') + root.pem;
  return { key, chain, ca: root.pem, notAfter: stored.notAfter };
}

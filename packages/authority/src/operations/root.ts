import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseCertificate, pemEncode } from '@countersign/pki';
import type { RevocationReason } from '@countersign/protocol';
import { PassphraseKeys } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';
import { checkMarker, dataFolder } from '../adapters/data-folder.ts';
import type { DataFolder } from '../adapters/data-folder.ts';
import { outputError, readIfThere, readRequired, writeFileDurably } from '../adapters/files.ts';
import { decryptKey, readKey, writeKey } from '../adapters/key-files.ts';
import { openStore } from '../adapters/open-store.ts';
import { signingCa } from '../adapters/signing-ca.ts';
import { recordAudit } from '../domain/audit.ts';
import type { SigningCa } from '../domain/ca.ts';
import { signFirstCrls } from '../domain/crl/publisher.ts';
import { revocationOfCa, signRootCrl } from '../domain/crl/root.ts';
import { defaultPartitions } from '../domain/crl/scopes.ts';
import type { Store, StoreWriter } from '../domain/ports.ts';
import { publicBaseOf } from '../domain/template.ts';
import { AuthorityError } from '../errors.ts';
import { caSummary, makeIssuing } from './make-ca.ts';
import type { CaSummary } from './make-ca.ts';
import { defaultPublicHttp, surroundings } from './options.ts';
import type { Surroundings } from './options.ts';

/** Where the root's key is, when it is needed. */
export interface RootKeyOptions extends Surroundings {
  readonly rootPassphrase: string;
  /** The exported key; without it the key in the data folder. */
  readonly rootKeyFile?: string;
}

async function withStore<T>(folder: DataFolder, work: (store: Store) => Promise<T>): Promise<T> {
  await checkMarker(folder);
  const store = await openStore(folder);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function openRoot(folder: DataFolder, store: Store, options: RootKeyOptions): Promise<SigningCa> {
  const root = (await store.cas()).find(({ id }) => id === 'root');
  if (root === undefined) throw new AuthorityError('store_corrupt', 'it holds no root');
  const path = options.rootKeyFile ?? folder.rootKey;
  const content = await readIfThere(path);
  if (content === undefined) {
    const hint = options.rootKeyFile === undefined ? 'it was taken offline: name the exported file' : 'no such file';
    throw new AuthorityError('root_key_absent', `${path} (${hint})`);
  }
  using keys = new PassphraseKeys(options.rootPassphrase);
  const key = await decryptKey(content, keys, path);
  return signingCa({ id: 'root', partitions: 0 }, parseCertificate(root.der), key);
}

/**
 * Copies the root's encrypted key out of the data folder, after checking that the passphrase opens it. The key stays: `rootRemove`
 * takes it away.
 *
 * Throws AuthorityError: `root_key_absent`, `wrong_passphrase`, `file_exists`, `file_unwritable`.
 */
export async function rootExport(
  dataDir: string,
  options: Surroundings & { rootPassphrase: string; out: string },
): Promise<CaSummary> {
  const folder = dataFolder(dataDir);
  return withStore(folder, async (store) => {
    const root = await openRoot(folder, store, { ...options });
    const out = resolve(options.out);
    try {
      await writeFile(out, await readRequired(folder.rootKey), { mode: 0o600, flag: 'wx', flush: true });
    } catch (error) {
      throw outputError(error, out);
    }
    await audit(store, options, 'root.exported', { file: out });
    return caSummary(root);
  });
}

/**
 * Removes the root's key from the data folder. With `exported` that file is opened with the passphrase and compared first, so that the
 * last copy is not the one removed.
 *
 * Throws AuthorityError: `root_key_absent`, `root_key_mismatch`, `wrong_passphrase`.
 */
export async function rootRemove(
  dataDir: string,
  options: Surroundings & { exported?: { file: string; rootPassphrase: string } } = {},
): Promise<void> {
  const folder = dataFolder(dataDir);
  await withStore(folder, async (store) => {
    if (!existsSync(folder.rootKey)) throw new AuthorityError('root_key_absent', folder.rootKey);
    if (options.exported !== undefined) {
      await openRoot(folder, store, { ...options.exported, rootKeyFile: options.exported.file });
    }
    await rm(folder.rootKey);
    await audit(store, options, 'root.removed', {});
  });
}

/** What the root's next CRL is to say that the last did not. */
export interface RootCrlOptions extends RootKeyOptions {
  /** Revokes an issuing CA: `issuing-1`. It issues nothing from then on, and nothing that it has issued counts any more. */
  readonly revoke?: { readonly ca: string; readonly reason: RevocationReason };
}

/**
 * Signs the root's next CRL, 13 months from now, and publishes it; with `revoke` an issuing CA is in it. A running authority and its
 * gateways know within a second or two. A CA that is revoked already stays as it is.
 *
 * Throws AuthorityError: `root_key_absent`, `root_key_mismatch`, `wrong_passphrase`, `invalid_option`.
 */
export async function rootCrl(
  dataDir: string,
  options: RootCrlOptions,
): Promise<{ number: number; nextUpdate: string; revoked: string[] }> {
  const folder = dataFolder(dataDir);
  const { clock } = surroundings(options);
  return withStore(folder, async (store) => {
    const root = await openRoot(folder, store, options);
    const { crl, der, revoked } = await store.write(async (tx) => {
      const now = clock();
      if (options.revoke !== undefined) await revokeIssuing(tx, root, options.revoke, now);
      const signed = await signRootCrl(tx, root, now);
      await recordAudit(tx, now, 'root.crl_signed', { kind: 'local' }, { number: signed.crl.number });
      const cas = await tx.cas();
      return { ...signed, revoked: cas.flatMap(({ id, revocation }) => (revocation === undefined ? [] : [id])) };
    });
    await writeFileDurably(folder.rootCrl, pemEncode('X509 CRL', der), 0o644);
    return { number: crl.number, nextUpdate: new Date(crl.nextUpdate).toISOString(), revoked };
  });
}

async function revokeIssuing(
  tx: StoreWriter,
  root: SigningCa,
  { ca: id, reason }: NonNullable<RootCrlOptions['revoke']>,
  now: number,
): Promise<void> {
  const meant = (await tx.cas()).find((one) => one.id === id && id !== 'root');
  if (meant === undefined) throw new AuthorityError('invalid_option', `there is no issuing CA called ${id}`);
  if (reason === 'certificateHold')
    throw new AuthorityError('invalid_option', 'a CA is revoked for good, or not at all');
  if (meant.revocation !== undefined) return;
  const revocation = { reason, revokedAt: now };
  await tx.revokeCa(id, revocation);
  const told = revocationOfCa({ ...meant, revocation }, root.keyHash);
  if (told !== undefined) await tx.addChange({ type: 'revoked', ...told }, now);
  // A running authority reads its CAs again: it must not issue with this one.
  const { generation } = await tx.state();
  await tx.setGeneration(generation + 1);
  await tx.addChange({ type: 'bundle', generation: generation + 1 }, now);
  await recordAudit(tx, now, 'authority.issuing_revoked', { kind: 'local' }, { ca: id, reason });
}

/** How the next issuing CA is made. */
export interface RenewIssuingOptions extends RootKeyOptions {
  readonly passphrase: string;
  /** Default: the base that the issuing CA before was made with. */
  readonly publicHttp?: string;
  readonly name?: string;
  readonly issuingKey?: KeyKind;
  /** Default: as many as the CRL of the issuing CA before. */
  readonly crlPartitions?: number;
}

/**
 * Makes the next issuing CA. A running authority takes it up within a second; what the one before has issued stays good.
 *
 * Throws AuthorityError: `root_key_absent`, `root_key_mismatch`, `wrong_passphrase`.
 */
export async function renewIssuing(dataDir: string, options: RenewIssuingOptions): Promise<CaSummary> {
  const folder = dataFolder(dataDir);
  const { clock, random } = surroundings(options);
  return withStore(folder, async (store) => {
    const root = await openRoot(folder, store, options);
    const cas = await store.cas();
    const number = cas.length;
    // A second passphrase among the keys would only be noticed at the next start.
    using keys = new PassphraseKeys(options.passphrase);
    await readKey(folder.keyOf(`issuing-${number - 1}`), keys);
    const { name = 'Countersign', issuingKey = 'p256' } = options;
    const last = cas.findLast(({ id }) => id !== 'root');
    const base = last === undefined ? undefined : publicBaseOf(parseCertificate(last.der));
    const publicHttp = options.publicHttp ?? base ?? defaultPublicHttp;
    const partitions = options.crlPartitions ?? last?.partitions ?? defaultPartitions;
    const { ca, key } = await makeIssuing(clock(), random, name, number, issuingKey, root, publicHttp, partitions);
    // The key first: a store that names a CA without a key would not start.
    await writeKey(folder.keyOf(ca.id), key, keys);
    await writeFileDurably(folder.certificateOf(ca.id), ca.pem, 0o644);
    const { id, keyHash } = ca;
    const stored = { id, keyHash, der: ca.certificate.der, createdAt: clock(), partitions };
    await store.write(async (tx) => {
      const { generation } = await tx.state();
      await tx.addCa(stored);
      await signFirstCrls(tx, ca, publicHttp, clock());
      await tx.setGeneration(generation + 1);
      await tx.addChange({ type: 'bundle', generation: generation + 1 }, clock());
      await recordAudit(tx, clock(), 'authority.issuing_renewed', { kind: 'local' }, { ca: ca.id });
    });
    return caSummary(ca);
  });
}

async function audit(
  store: Store,
  options: Surroundings,
  action: 'root.exported' | 'root.removed',
  details: { file?: string },
): Promise<void> {
  const now = surroundings(options).clock();
  await store.write((tx) => recordAudit(tx, now, action, { kind: 'local' }, details));
}

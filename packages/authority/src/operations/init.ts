import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pemEncode } from '@countersign/pki';
import { generateKeyPair, PassphraseKeys } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';
import { dataFolder, isInitialized, writeMarker } from '../adapters/data-folder.ts';
import type { DataFolder } from '../adapters/data-folder.ts';
import { fileError, makePrivateFolder, syncFolder } from '../adapters/files.ts';
import { makeStore, refuseInhabited, refuseTwoStores, rememberDatabase } from '../adapters/open-store.ts';
import type { DatabaseSettings } from '../adapters/open-store.ts';
import { recordAudit } from '../domain/audit.ts';
import type { Store } from '../domain/ports.ts';
import type { SignedCrl } from '../domain/crl/build.ts';
import { signFirstCrls } from '../domain/crl/publisher.ts';
import { signRootCrl } from '../domain/crl/root.ts';
import { defaultPartitions } from '../domain/crl/scopes.ts';
import { AuthorityError } from '../errors.ts';
import { caSummary, makeIssuing, makeRoot } from './make-ca.ts';
import type { CaSummary, MadeCa } from './make-ca.ts';
import { defaultPublicHttp, surroundings } from './options.ts';
import type { Surroundings } from './options.ts';

/** How an authority is made. */
export interface InitOptions extends Surroundings {
  /** Encrypts the root's key, wherever that will be kept. */
  readonly rootPassphrase: string;
  /** Encrypts the keys that the running authority uses. */
  readonly passphrase: string;
  /** The base URL of CRLs and CA certificates in the issuing CA's certificate. Default `http://127.0.0.1:8080`. */
  readonly publicHttp?: string;
  /** What the CAs' names begin with. Default `Countersign`. */
  readonly name?: string;
  /** The issuing CA's kind of key. Default `p256`. */
  readonly issuingKey?: KeyKind;
  /** A database elsewhere for the store, which may be shared by several nodes. Default: a file in the data folder. */
  readonly database?: DatabaseSettings;
  /** Into how many partitions the issuing CA's CRL is divided, for as long as that CA lives. Default 128. */
  readonly crlPartitions?: number;
}

/** What `initAuthority` made. */
export interface Initialized {
  readonly root: CaSummary;
  readonly issuing: CaSummary;
}

/**
 * Makes an authority: a root (P-384, 20 years) with its CRL, an issuing CA (5 years) with its, the store. Everything is made beside its
 * place and moved there at the end, so that a process that dies half-way leaves nothing half-made.
 *
 * Throws AuthorityError: `already_initialized`, `folder_broken`, `storage_full`, `storage_failed`, `invalid_option`.
 *
 * @example
 * await initAuthority('.countersign', { rootPassphrase, passphrase })
 */
export async function initAuthority(dataDir: string, options: InitOptions): Promise<Initialized> {
  const folder = dataFolder(dataDir);
  if (options.passphrase === '' || options.rootPassphrase === '') {
    throw new AuthorityError('invalid_option', 'an empty passphrase protects nothing');
  }
  if (isInitialized(dataDir)) throw new AuthorityError('already_initialized', folder.path);
  await refuseLeftovers(folder);
  makePrivateFolder(folder.path);
  const { database } = options;
  const staged = join(folder.path, `.init-${randomBytes(6).toString('hex')}`);
  try {
    if (database !== undefined) {
      refuseTwoStores(folder);
      await withStore(folder.store, database, refuseInhabited);
    }
    const { made, fill } = await stage(dataFolder(staged), options);
    if (database === undefined) {
      await withStore(dataFolder(staged).store, undefined, fill(dataFolder(staged)));
      await rename(dataFolder(staged).store, folder.store);
      await rename(dataFolder(staged).caFolder, folder.caFolder);
    } else {
      // The keys first: a database that names CAs without keys would be of no use to anybody.
      await rename(dataFolder(staged).caFolder, folder.caFolder);
      await withStore(folder.store, database, fill(folder));
      await rememberDatabase(folder, database);
    }
    syncFolder(folder.path);
    await writeMarker(folder, surroundings(options).clock());
    return made;
  } catch (error) {
    throw fileError(error, folder.path);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

async function withStore(
  path: string,
  database: DatabaseSettings | undefined,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const store = await makeStore(path, database);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** A store without CA is left by an interrupted `init` and holds nothing; CA keys without their marker are somebody's. */
async function refuseLeftovers(folder: DataFolder): Promise<void> {
  if (existsSync(folder.caFolder)) {
    throw new AuthorityError(
      'folder_broken',
      `${folder.caFolder} exists without ${folder.marker}: move it away, or put the marker back`,
    );
  }
  for (const suffix of ['', '-wal', '-shm']) await rm(`${folder.store}${suffix}`, { force: true });
}

interface Staged {
  readonly made: Initialized;
  /** Fills the store, then writes the root's first CRL beside the keys. */
  readonly fill: (folder: DataFolder) => (store: Store) => Promise<void>;
}

async function stage(folder: DataFolder, options: InitOptions): Promise<Staged> {
  const { clock, random } = surroundings(options);
  const now = clock();
  const { name = 'Countersign', publicHttp = defaultPublicHttp, issuingKey = 'p256' } = options;
  const root = await makeRoot(now, random, name);
  const partitions = options.crlPartitions ?? defaultPartitions;
  const issuing = await makeIssuing(now, random, name, 1, issuingKey, root.ca, publicHttp, partitions);
  const token = await generateKeyPair('p256');
  await mkdir(folder.caFolder, { recursive: true, mode: 0o700 });
  // The root's key may leave: it shares a salt with nothing, whatever its passphrase is.
  using rootKeys = new PassphraseKeys(options.rootPassphrase);
  using keys = new PassphraseKeys(options.passphrase);
  const [rootKey, issuingKeyPem, tokenKey] = await Promise.all([
    rootKeys.seal(root.key),
    keys.seal(issuing.key),
    keys.seal(token.privateKey),
  ]);
  const write = (path: string, content: string, mode: number) =>
    writeFile(path, content, { mode, flag: 'wx', flush: true });
  await write(folder.rootCertificate, root.ca.pem, 0o644);
  await write(folder.rootKey, rootKey, 0o600);
  await write(folder.certificateOf(issuing.ca.id), issuing.ca.pem, 0o644);
  await write(folder.keyOf(issuing.ca.id), issuingKeyPem, 0o600);
  await write(folder.tokenKey, tokenKey, 0o600);
  const epoch = Buffer.from(random(16)).toString('hex');
  return {
    made: { root: caSummary(root.ca), issuing: caSummary(issuing.ca) },
    fill: (where) => async (store) => {
      const rootCrl = await fillStore(store, { root, issuing, publicHttp }, now, epoch);
      await write(where.rootCrl, pemEncode('X509 CRL', rootCrl.der), 0o644);
      syncFolder(where.caFolder);
    },
  };
}

interface Made {
  readonly root: MadeCa;
  readonly issuing: MadeCa;
  readonly publicHttp: string;
}

function fillStore(store: Store, { root, issuing, publicHttp }: Made, now: number, epoch: string): Promise<SignedCrl> {
  return store.write(async (tx) => {
    if ((await tx.cas()).length > 0)
      throw new AuthorityError('already_initialized', 'the database holds one meanwhile');
    await tx.beginEpoch(epoch, 0);
    await tx.setGeneration(1);
    for (const { ca } of [root, issuing]) {
      const { id, keyHash, partitions } = ca;
      await tx.addCa({ id, keyHash, der: ca.certificate.der, createdAt: now, partitions });
    }
    await signFirstCrls(tx, issuing.ca, publicHttp, now);
    const rootFingerprint = caSummary(root.ca).fingerprintSha256;
    await recordAudit(tx, now, 'authority.initialized', { kind: 'local' }, { rootFingerprint });
    return signRootCrl(tx, root.ca, now);
  });
}

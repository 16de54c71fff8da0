import { randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nodeCrypto, PassphraseKeys, threadedVerifier } from '@countersign/trust';
import type { Logger } from 'pino';
import type { DataFolder } from '../adapters/data-folder.ts';
import { readKey } from '../adapters/key-files.ts';
import { openStore, rememberDatabase } from '../adapters/open-store.ts';
import { loadCas } from '../adapters/signing-ca.ts';
import { derivedSecret, secretSeal } from '../adapters/acme/secret-seal.ts';
import { jwtTokenSeal } from '../adapters/token-seal.ts';
import type { SecretSeal } from '../domain/acme/context.ts';
import { currentIssuer } from '../domain/ca.ts';
import type { CaSet } from '../domain/ca.ts';
import { CrlPublisher } from '../domain/crl/publisher.ts';
import { FeedHub } from '../domain/feed-hub.ts';
import type { After, Clock, Random, Store } from '../domain/ports.ts';
import { snapshotSigner } from '../domain/snapshot-jws.ts';
import { Threads } from '../domain/threads.ts';
import type { TokenContext } from '../domain/tokens.ts';
import { AuthorityError } from '../errors.ts';
import { surroundings } from '../operations/options.ts';
import { CrlTimes } from './crl-times.ts';
import { readAcmeOptions } from './acme-options.ts';
import type { AuthorityOptions } from './options.ts';
import { readProfileOptions } from './profile-options.ts';
import { keygenKinds } from './server-keygen.ts';

/** The authority without any listener: the store, the opened keys, the feed. */
export interface Core {
  readonly folder: DataFolder;
  readonly store: Store;
  readonly clock: Clock;
  readonly after: After;
  readonly hub: FeedHub;
  readonly crls: CrlPublisher;
  readonly crlTimes: CrlTimes;
  readonly log: Logger;
  readonly cas: () => CaSet;
  readonly random: Random;
  /** Seals secrets that the store keeps; the same on every node. */
  readonly secrets: SecretSeal;
  /** A secret for one purpose, the same on every node. */
  secret(purpose: string): Uint8Array;
  /** Takes up CAs that another process has made, and keys that were brought; whether there were any. */
  keepCas(): Promise<boolean>;
  context(urls: { readonly publicHttp: string; readonly apiUrl: () => string }): TokenContext;
}

/** Calls back once, on a timer that keeps no process alive. */
const afterMs: After = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

async function openKeys(
  folder: DataFolder,
  store: Store,
  passphrase: string,
  now: number,
): Promise<{ readonly loaded: CaSet; readonly tokenKey: KeyObject }> {
  // A derivation is slow on purpose: keys that share a salt share it, and others are derived side by side.
  using keys = new PassphraseKeys(passphrase);
  const [loaded, tokenKey] = await Promise.all([loadCas(folder, store, keys, now), readKey(folder.tokenKey, keys)]);
  return { loaded, tokenKey };
}

/**
 * Opens the store and the keys. Throws AuthorityError: `wrong_passphrase`, `unknown_format`, `folder_broken`, `store_corrupt`.
 */
export async function openCore(folder: DataFolder, options: AuthorityOptions, log: Logger): Promise<Core> {
  const { clock, random } = surroundings(options);
  const rules = readProfileOptions(options.profiles);
  const receivesKeys = new Set(keygenKinds(options.est ?? {}).keys());
  const { policy: acmePolicy } = readAcmeOptions(options.acme ?? {});
  const { database } = options;
  const store = await openStore(folder, database);
  try {
    if (database !== undefined) await rememberDatabase(folder, database);
    const { loaded, tokenKey } = await openKeys(folder, store, options.passphrase, clock());
    let cas = loaded;
    const signWith = () => {
      const issuer = currentIssuer(cas, clock()) ?? cas.issuing.at(-1);
      if (issuer === undefined)
        throw new AuthorityError('folder_broken', 'there is no issuing CA that has not expired');
      return issuer;
    };
    const hub = await FeedHub.open({
      store,
      clock,
      after: afterMs,
      sign: snapshotSigner(signWith),
      heartbeatMs: (options.heartbeatSeconds ?? 5) * 1000,
      turn: () => nextTurn(),
      elapsed: () => performance.now(),
      self: { id: randomUUID(), name: `${hostname()}:${process.pid}` },
    });
    hub.readDigest().catch((error: unknown) => log.error({ err: error }, 'the digest of the feed cannot be read'));
    const crlTimes = new CrlTimes();
    const crls = new CrlPublisher({
      store,
      clock,
      after: afterMs,
      cas: () => cas.issuing,
      onSigned: ({ id }, kind, ms) => crlTimes.signed(id, kind, ms),
      onFailure: (error) => {
        crlTimes.failed();
        log.error({ err: error }, 'cannot sign a CRL, it is tried again');
      },
    });
    const seal = jwtTokenSeal(tokenKey);
    const threads = new Threads(threadedVerifier);
    return {
      folder,
      store,
      clock,
      after: afterMs,
      hub,
      crls,
      crlTimes,
      log,
      cas: () => cas,
      random,
      secrets: secretSeal(derivedSecret(tokenKey, 'secrets'), random),
      secret: (purpose) => derivedSecret(tokenKey, purpose),
      keepCas: async () => {
        const { generation } = await store.state();
        const brought = cas.elsewhere.some(({ id }) => existsSync(folder.keyOf(id)));
        if (generation === cas.generation && !brought) return false;
        using more = new PassphraseKeys(options.passphrase);
        cas = await loadCas(folder, store, more, clock(), cas.issuing);
        log.info({ issuing: cas.issuing.map(({ id }) => id), generation }, 'CAs were taken up');
        return true;
      },
      context: ({ publicHttp, apiUrl }) => ({
        store,
        clock,
        random,
        crypto: nodeCrypto,
        threads,
        rules,
        receivesKeys,
        acmePolicy,
        cas: () => cas,
        urls: { base: publicHttp },
        ensurePublished: (issuer) => crls.ensureBase(issuer, publicHttp),
        seal,
        apiUrl,
      }),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

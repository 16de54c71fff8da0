import { randomBytes } from 'node:crypto';
import { generateKeyPair, nodeCrypto, threadedVerifier } from '@countersign/trust';
import { createSqliteStore, openSqliteStore } from '../../packages/authority/src/adapters/sqlite/store.ts';
import { jwtTokenSeal } from '../../packages/authority/src/adapters/token-seal.ts';
import type { CaSet, SigningCa } from '../../packages/authority/src/domain/ca.ts';
import type { Store } from '../../packages/authority/src/domain/ports.ts';
import { Threads } from '../../packages/authority/src/domain/threads.ts';
import type { TokenContext } from '../../packages/authority/src/domain/tokens.ts';
import { makeIssuing, makeRoot } from '../../packages/authority/src/operations/make-ca.ts';

/** What the domain of an authority stands on, over a new store in a file, without TLS and HTTP. */
export async function issuanceContext(
  path: string,
): Promise<{ readonly store: Store; readonly context: TokenContext; readonly issuing: SigningCa }> {
  createSqliteStore(path);
  const store = openSqliteStore(path);
  const random = (length: number): Uint8Array => randomBytes(length);
  const root = await makeRoot(Date.now(), random, 'Bench');
  const { ca: issuing } = await makeIssuing(Date.now(), random, 'Bench', 1, 'p256', root.ca, 'http://ca.example', 128);
  const cas: CaSet = { root: root.ca, issuing: [issuing], elsewhere: [], generation: 1 };
  const context: TokenContext = {
    store,
    clock: Date.now,
    random,
    crypto: nodeCrypto,
    threads: new Threads(threadedVerifier),
    cas: () => cas,
    urls: { base: 'http://ca.example' },
    seal: jwtTokenSeal((await generateKeyPair('p256')).privateKey),
    apiUrl: () => 'https://ca.example',
    ensurePublished: () => Promise.resolve(),
  };
  return { store, context, issuing };
}

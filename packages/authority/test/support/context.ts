import { randomBytes } from 'node:crypto';
import { nodeCrypto, generateKeyPair, threadedVerifier } from '@countersign/trust';
import { testClock } from '@countersign/testkit';
import type { TestClock } from '@countersign/testkit';
import { jwtTokenSeal } from '../../src/adapters/token-seal.ts';
import type { CaSet } from '../../src/domain/ca.ts';
import { signFirstCrls } from '../../src/domain/crl/publisher.ts';
import { issueForAdmin } from '../../src/domain/doors.ts';
import type { Store, StoredCertificate } from '../../src/domain/ports.ts';
import { Threads } from '../../src/domain/threads.ts';
import type { TokenContext } from '../../src/domain/tokens.ts';
import { makeIssuing, makeRoot } from '../../src/operations/make-ca.ts';
import { newRequest } from './keys.ts';
import { currentStore } from './stores.ts';
import type { StorePlace } from './stores.ts';

const random = (length: number): Uint8Array => randomBytes(length);

/** A domain on a real store of its own, on a clock that stands still. */
export interface TestDomain extends AsyncDisposable {
  readonly context: TokenContext;
  readonly store: Store;
  readonly place: StorePlace;
  readonly clock: TestClock;
  readonly cas: CaSet;
  /** Issues for an administrator. */
  issued(name: string, profile?: 'client' | 'gateway' | 'server' | 'peer', extra?: object): Promise<StoredCertificate>;
}

/** Makes a domain; nothing in it is slow on purpose, because no key is written to a file. `at` is where its store is. */
export async function testDomain(at?: StorePlace, partitions = 4): Promise<TestDomain> {
  const clock = testClock();
  const place = at ?? (await currentStore().place());
  const store = await place.open();
  const root = await makeRoot(clock.now(), random, 'Test');
  const issuing = await makeIssuing(clock.now(), random, 'Test', 1, 'p256', root.ca, 'http://ca.example', partitions);
  const cas: CaSet = { root: root.ca, issuing: [issuing.ca], elsewhere: [], generation: 1 };
  await store.write(async (tx) => {
    await tx.beginEpoch('e0'.repeat(16), 0);
    await tx.setGeneration(1);
    for (const { ca } of [root, issuing]) {
      const { id, keyHash, certificate } = ca;
      await tx.addCa({ id, keyHash, der: certificate.der, createdAt: clock.now(), partitions: ca.partitions });
    }
    await signFirstCrls(tx, issuing.ca, 'http://ca.example', clock.now());
  });
  const { privateKey } = await generateKeyPair('p256');
  const context: TokenContext = {
    store,
    clock: clock.now,
    random,
    crypto: nodeCrypto,
    threads: new Threads(threadedVerifier),
    cas: () => cas,
    urls: { base: 'http://ca.example' },
    ensurePublished: () => Promise.resolve(),
    seal: jwtTokenSeal(privateKey),
    apiUrl: () => 'https://ca.example:8443',
  };
  return {
    context,
    store,
    place,
    clock,
    cas,
    issued: async (name, profile = 'client', extra = {}) => {
      const { csr } = await newRequest();
      const request = { name, profile, sans: [], csr, ...extra };
      const outcome = await issueForAdmin(context, request, { kind: 'local' });
      if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
      const [stored] = await store.certificatesBySerial(outcome.issued.serial);
      if (stored === undefined) throw new Error('what was issued is not stored');
      return stored;
    },
    [Symbol.asyncDispose]: async () => {
      await store.close();
      place[Symbol.dispose]();
    },
  };
}

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { buildOcspRequest, parseCertificate, verifyOcspResponse } from '@countersign/pki';
import type { BuildOcspRequestOptions, OcspResult, VerifyOcspOptions } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';
import { newResponderKey } from '../../src/adapters/responder-key.ts';
import type { CaSet, SigningCa } from '../../src/domain/ca.ts';
import { issueForAdmin } from '../../src/domain/doors.ts';
import { FeedHub } from '../../src/domain/feed-hub.ts';
import { bodyOf } from '../../src/domain/ocsp/answer-cache.ts';
import { octetsOf } from '../../src/domain/ocsp/canonical-request.ts';
import { OcspResponder } from '../../src/domain/ocsp/ocsp-responder.ts';
import type { OcspReply } from '../../src/domain/ocsp/ocsp-responder.ts';
import { Presigning } from '../../src/domain/ocsp/presigning.ts';
import type { ResponderContext } from '../../src/domain/ocsp/responders.ts';
import type { Store, StoredCertificate } from '../../src/domain/ports.ts';
import { release, revoke } from '../../src/domain/revocation.ts';
import { makeIssuing, makeRoot } from '../../src/operations/make-ca.ts';
import { testDomain } from './context.ts';
import type { TestDomain } from './context.ts';
import { newRequest } from './keys.ts';

const local = { kind: 'local' } as const;

/** A responder over a domain of its own, with the feed that tells it of changes. */
export interface TestResponder extends AsyncDisposable {
  readonly domain: TestDomain;
  readonly context: ResponderContext;
  readonly responder: OcspResponder;
  readonly presigning: Presigning;
  /** What could not be signed ahead. */
  readonly failures: unknown[];
  issuer: SigningCa;
  cas: CaSet;
  issued(name: string, extra?: object): Promise<StoredCertificate>;
  /** The octets of a request about certificates. */
  request(certificates: readonly StoredCertificate[], options?: BuildOcspRequestOptions): Uint8Array;
  /** What the responder says about one certificate, checked by pki. */
  ask(certificate: StoredCertificate, options?: BuildOcspRequestOptions): Promise<OcspResult>;
  revoke(certificate: StoredCertificate, reason?: 'keyCompromise' | 'certificateHold' | 'unspecified'): Promise<void>;
  release(certificate: StoredCertificate): Promise<void>;
  /** Gives the feed's changes out, as the running authority does at once. */
  pump(): Promise<void>;
  /** Resolves when the feed has told of a change of this certificate. */
  told(certificate: StoredCertificate): Promise<void>;
}

export interface TestResponderOptions {
  readonly kind?: KeyKind;
  readonly cacheBytes?: number;
  /** The store as the responder sees it. */
  readonly store?: (store: Store) => Store;
}

/** What a reply's octets are. */
export function octetsOfReply(reply: OcspReply): Uint8Array {
  return octetsOf(reply.kind === 'answer' ? bodyOf(reply.answer) : reply.body);
}

/** An issuing CA of a kind, below a root of its own. */
export async function issuingOf(domain: TestDomain, kind: KeyKind): Promise<CaSet> {
  const random = (length: number): Uint8Array => randomBytes(length);
  const root = await makeRoot(domain.clock.now(), random, 'Test');
  const issuing = await makeIssuing(domain.clock.now(), random, 'Test', 1, kind, root.ca, 'http://ca.example', 4);
  return { root: root.ca, issuing: [issuing.ca], elsewhere: [], generation: 1 };
}

export async function testResponder(options: TestResponderOptions = {}): Promise<TestResponder> {
  const domain = await testDomain();
  const { kind = 'p256' } = options;
  const cas = kind === 'p256' ? domain.cas : await issuingOf(domain, kind);
  return responderOn(domain, domain.store, cas, options, () => domain[Symbol.asyncDispose]());
}

/** Another process on the same store and CAs, with a responder of its own. */
export async function anotherNode({ domain, cas }: TestResponder): Promise<TestResponder> {
  const store = await domain.place.open();
  return responderOn({ ...domain, store }, store, cas, {}, () => store.close());
}

async function responderOn(
  domain: TestDomain,
  ownStore: Store,
  cas: CaSet,
  { cacheBytes = 1 << 20, store: see = (store) => store }: TestResponderOptions,
  dispose: () => PromiseLike<void>,
): Promise<TestResponder> {
  const hub = await FeedHub.open({
    store: ownStore,
    clock: domain.clock.now,
    after: () => () => undefined,
    sign: () => Promise.resolve(''),
    turn: async () => undefined,
    elapsed: () => performance.now(),
    self: { id: 'here', name: 'here' },
    heartbeatMs: 5000,
  });
  const { clock, random, crypto } = domain.context;
  const failures: unknown[] = [];
  const context: ResponderContext = { store: see(ownStore), clock, random, crypto, cas: () => test.cas };
  const responder = new OcspResponder({ context, newKey: newResponderKey, cacheBytes });
  const presigning = new Presigning({
    responder,
    context,
    elapsed: () => performance.now(),
    turn: () => nextTurn(),
    failed: (error) => failures.push(error),
  });
  hub.watch((change) => presigning.change(change));
  const certificateOf = ({ der }: StoredCertificate) => parseCertificate(der);
  const test: TestResponder = {
    domain,
    context,
    responder,
    presigning,
    failures,
    cas,
    issuer: cas.issuing[0] as SigningCa,
    issued: async (name, extra = {}) => {
      const { csr } = await newRequest();
      const request = { name, profile: 'client', sans: [], csr, ...extra } as const;
      const outcome = await issueForAdmin({ ...domain.context, cas: () => test.cas }, request, local);
      if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
      const [stored] = await domain.store.certificatesBySerial(outcome.issued.serial);
      if (stored === undefined) throw new Error('what was issued is not stored');
      return stored;
    },
    request: (certificates, more) =>
      buildOcspRequest(certificates.map(certificateOf), test.issuer.certificate, nodeCrypto, more),
    ask: async (certificate, more = {}) => {
      const reply = await responder.respond(test.request([certificate], more));
      const verify: VerifyOcspOptions = {
        certificate: certificateOf(certificate),
        issuer: test.issuer.certificate,
        time: clock(),
        crypto: nodeCrypto,
      };
      const { nonce } = more;
      return verifyOcspResponse(octetsOfReply(reply), nonce === undefined ? verify : { ...verify, nonce });
    },
    revoke: async ({ serial }, reason = 'keyCompromise') => {
      const done = await revoke(domain.store, clock(), { by: 'serial', serial }, reason, local);
      if (!done.ok) throw new Error(done.detail);
    },
    release: async ({ serial }) => {
      const done = await release(domain.store, clock(), { by: 'serial', serial }, local);
      if (!done.ok) throw new Error(done.detail);
    },
    pump: () => hub.pump(),
    told: ({ serial }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = hub.watch((change) => {
        if (change.type !== 'bundle' && change.serial === serial) resolve();
      });
      return promise.finally(stop);
    },
    [Symbol.asyncDispose]: async () => {
      await presigning.close();
      // What the store has told of is not to be read after its end.
      await hub.pump();
      hub.close();
      await dispose();
    },
  };
  await responder.responders.keep();
  return test;
}

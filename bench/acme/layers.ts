import { randomBytes, verify } from 'node:crypto';
import { accountKey, signJwsObject, temporaryFolder } from '@countersign/testkit';
import type { AccountKey } from '@countersign/testkit';
import { secretSeal } from '../../packages/authority/src/adapters/acme/secret-seal.ts';
import { newAccount } from '../../packages/authority/src/domain/acme/accounts.ts';
import { authenticate } from '../../packages/authority/src/domain/acme/authenticate.ts';
import type { Signed } from '../../packages/authority/src/domain/acme/authenticate.ts';
import type { AcmeContext } from '../../packages/authority/src/domain/acme/context.ts';
import { createEabKey } from '../../packages/authority/src/domain/acme/eab.ts';
import { finalizeOrder } from '../../packages/authority/src/domain/acme/finalize.ts';
import { readJwk } from '../../packages/authority/src/domain/acme/jwk.ts';
import { checkSignature, readEnvelope } from '../../packages/authority/src/domain/acme/jws.ts';
import { createNonces } from '../../packages/authority/src/domain/acme/nonces.ts';
import { newOrder, orderLifetimeMs, orderOf } from '../../packages/authority/src/domain/acme/orders.ts';
import type { AcmeOutcome } from '../../packages/authority/src/domain/acme/problem.ts';
import { createRateLimits } from '../../packages/authority/src/domain/acme/rate-limits.ts';
import type { AcmeAccount } from '../../packages/authority/src/domain/acme/records.ts';
import { measure } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { rowsOf } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { issuanceContext } from '../issuance/context.ts';
import { requestsFor } from './orders.ts';

/** How many are in flight at once: what shares a commit. */
const atOnce = 64;
const name = { type: 'dns', value: 'a.bench.test' } as const;
const url = 'https://ca.example/acme/new-order';

function taken<T extends object>(outcome: AcmeOutcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.problem.type}: ${outcome.problem.detail}`);
  return outcome;
}

/** Where the time of an ACME order goes, without TLS and HTTP. */
export async function benchLayers(options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const { store, context: issuance } = await issuanceContext(folder.in('authority.sqlite'));
  const { clock, random } = issuance;
  const context: AcmeContext = {
    ...issuance,
    policy: { requireEab: true, profiles: ['server'] },
    limits: createRateLimits(clock),
    nonces: createNonces({ clock, random, secret: randomBytes(32) }),
    secrets: secretSeal(randomBytes(32), random),
  };
  const key = accountKey();
  const accounts = await Promise.all(Array.from({ length: atOnce }, () => boundAccount(context)));
  const own = await boundAccount(context, key);
  const signer = taken(readJwk(key.jwk)).key;
  const csrs = await requestsFor(name, 512);
  let turn = 0;
  const nextCsr = (): string => csrs[turn++ % csrs.length] ?? '';
  const kid = `https://ca.example/acme/account/${own.id}`;
  const request = (): string => {
    const header = { alg: 'ES256', nonce: context.nonces.issue(), url, kid };
    return JSON.stringify(signJwsObject(header, { identifiers: [name] }, key));
  };
  const arrival = { url, accountOf: (text: string) => text.split('/').at(-1) };
  const sent = request();
  const envelope = taken(readEnvelope(sent)).envelope;
  const placed = taken(await newOrder(context, own, { identifiers: [name] })).order;
  const data = Buffer.from(envelope.signingInput);
  const withKey = { key: signer.key, dsaEncoding: 'ieee-p1363' as const };

  const each = async (work: (account: AcmeAccount) => Promise<unknown>): Promise<void> => {
    await Promise.all(accounts.map(work));
  };
  const ready = (account: AcmeAccount) => newOrder(context, account, { identifiers: [name] }).then(taken);
  // Orders that are only placed would soon be more than an account may have: here they expire.
  let leaps = 0;
  const leaping = { ...context, clock: () => clock() + leaps * 2 * orderLifetimeMs };
  const floor = 'crypto.verify alone';
  const measured = await measure(
    {
      name: 'layers',
      against: floor,
      contenders: [
        { name: floor, run: () => verify('sha256', data, withKey, envelope.signature) },
        {
          name: 'a JWS read, its signature checked',
          run: () => checkSignature(taken(readEnvelope(sent)).envelope, signer),
        },
        { name: 'a nonce issued and used', run: () => context.nonces.use(context.nonces.issue()) },
        { name: 'an account read from the store', run: () => store.acmeAccount(own.id) },
        {
          name: 'a request signed by its client, and authenticated',
          run: async (): Promise<Signed> => taken(await authenticate(context, request(), arrival, 'account')).signed,
        },
        { name: 'an order read', run: () => orderOf(store, own, placed.id, clock()) },
        {
          name: `an order placed, ${atOnce} in a commit`,
          run: () => {
            leaps += 1;
            return each((account) => newOrder(leaping, account, { identifiers: [name] }).then(taken));
          },
        },
        {
          name: `an order placed and finalized, ${atOnce} in a commit`,
          run: () =>
            each(async (account) => {
              const { order } = await ready(account);
              return taken(await finalizeOrder(context, account, signer, order.id, { csr: nextCsr() }));
            }),
        },
      ],
    },
    options,
  );
  await store.close();
  const single = measured.map((one) =>
    one.name.includes('in a commit') ? { ...one, micros: one.micros / atOnce, ratio: one.ratio / atOnce } : one,
  );
  return { name: 'an ACME order, layer by layer', rows: rowsOf(single, floor), claims: [] };
}

/** An account whose names an administrator vouches for. */
async function boundAccount(context: AcmeContext, key: AccountKey = accountKey()): Promise<AcmeAccount> {
  const wish = {
    name: 'bench',
    policy: { preauthorized: ['dns:.bench.test'], profile: 'server' as const },
    ttlSeconds: 60,
  };
  const eab = await createEabKey(context, wish, { kind: 'local' });
  if (!eab.ok) throw new Error(eab.detail);
  const open: AcmeContext = { ...context, policy: { ...context.policy, requireEab: false } };
  const source = { address: '127.0.0.1' };
  const { account } = taken(await newAccount(open, taken(readJwk(key.jwk)).key, {}, url, source));
  const bound = { ...account, eab: eab.key.id };
  await context.store.write((tx) => tx.changeAcmeAccount(bound));
  return bound;
}

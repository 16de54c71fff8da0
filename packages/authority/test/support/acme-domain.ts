import { randomBytes } from 'node:crypto';
import { accountKey } from '@countersign/testkit';
import type { AccountKey } from '@countersign/testkit';
import { secretSeal } from '../../src/adapters/acme/secret-seal.ts';
import { newAccount } from '../../src/domain/acme/accounts.ts';
import type { AcmeContext } from '../../src/domain/acme/context.ts';
import { createEabKey } from '../../src/domain/acme/eab.ts';
import { readJwk } from '../../src/domain/acme/jwk.ts';
import type { AcmeKey } from '../../src/domain/acme/jwk.ts';
import { claimsIn, createNonces } from '../../src/domain/acme/nonces.ts';
import { newOrder } from '../../src/domain/acme/orders.ts';
import type { AcmeOutcome } from '../../src/domain/acme/problem.ts';
import { createRateLimits } from '../../src/domain/acme/rate-limits.ts';
import type { AcmeAccount, AcmeOrder, EabPolicy } from '../../src/domain/acme/records.ts';
import { Validations } from '../../src/domain/acme/validations.ts';
import type { Validate } from '../../src/domain/acme/validations.ts';
import type { Store } from '../../src/domain/ports.ts';
import { testDomain } from './context.ts';
import type { TestDomain } from './context.ts';

/** A domain with ACME. */
export interface AcmeDomain extends TestDomain {
  readonly acme: AcmeContext;
  /** What another node of the same store has. */
  node(store: Store): AcmeContext;
  account(policy?: Partial<EabPolicy>, key?: AccountKey): Promise<{ account: AcmeAccount; key: AcmeKey }>;
  order(account: AcmeAccount, names: readonly object[], more?: object): Promise<AcmeOrder>;
  /** Calls back at once what was to wait; how long each was to. */
  readonly waited: number[];
  validations(validate: Validate, context?: AcmeContext, node?: string): Validations;
}

/** What an outcome holds; throws where it is a refusal. */
export function expectOk<T extends object>(outcome: AcmeOutcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.problem.type}: ${outcome.problem.detail}`);
  return outcome;
}

/** The type of a refusal. */
export function refusalOf(outcome: AcmeOutcome<object>): string | undefined {
  return outcome.ok ? undefined : outcome.problem.type;
}

export async function acmeDomain(): Promise<AcmeDomain> {
  const domain = await testDomain();
  const secret = randomBytes(32);
  const random = (length: number): Uint8Array => randomBytes(length);
  const node = (store: Store): AcmeContext => ({
    ...domain.context,
    store,
    policy: { requireEab: false, profiles: ['server', 'peer', 'client', 'device'] },
    secrets: secretSeal(secret, random),
    limits: createRateLimits(domain.clock.now),
    nonces: createNonces({
      clock: domain.clock.now,
      random,
      secret,
      claim: store.shared ? claimsIn(store) : undefined,
    }),
  });
  const acme = node(domain.store);
  const waited: number[] = [];
  return {
    ...domain,
    acme,
    node,
    waited,
    account: async (policy, key = accountKey()) => {
      const read = expectOk(readJwk(key.jwk)).key;
      const { account } = expectOk(await newAccount(acme, read, {}, 'https://ca.example/', { address: '127.0.0.1' }));
      if (policy === undefined) return { account, key: read };
      const wish = {
        name: 'tests',
        policy: { preauthorized: [], profile: 'server' as const, ...policy },
        ttlSeconds: 60,
      };
      const made = await createEabKey(acme, wish, { kind: 'local' });
      if (!made.ok) throw new Error(made.detail);
      const bound = { ...account, eab: made.key.id };
      await domain.store.write((tx) => tx.changeAcmeAccount(bound));
      return { account: bound, key: read };
    },
    order: async (account, identifiers, more = {}) =>
      expectOk(await newOrder(acme, account, { identifiers, ...more })).order,
    validations: (validate, context = acme, node = 'this') =>
      new Validations({
        store: context.store,
        clock: domain.clock.now,
        limits: context.limits,
        validate,
        node,
        retryDelaysMs: [1000, 3000],
        after: (ms, callback) => {
          waited.push(ms);
          queueMicrotask(callback);
          return () => undefined;
        },
        onError: (error) => {
          throw error;
        },
      }),
  };
}

import { pemEncode } from '@countersign/pki';
import type { AuditActor, RevocationReason } from '@countersign/protocol';
import type { FastifyInstance } from 'fastify';
import { newAccount, updateAccount } from '../../domain/acme/accounts.ts';
import { retryAfterSeconds } from '../../domain/approval/answer.ts';
import { authorizationOf, deactivateAuthorization } from '../../domain/acme/authorizations.ts';
import type { AuthorizationId, FoundAuthorization } from '../../domain/acme/authorizations.ts';
import { answerChallenge, challengeOf } from '../../domain/acme/challenges.ts';
import { finalizeOrder } from '../../domain/acme/finalize.ts';
import { isPostAsGet, readPayload } from '../../domain/acme/jws.ts';
import { changeKey } from '../../domain/acme/key-change.ts';
import { newOrder, orderOf } from '../../domain/acme/orders.ts';
import { deny } from '../../domain/acme/problem.ts';
import type { AcmeOutcome } from '../../domain/acme/problem.ts';
import type { AcmeAccount, AcmeOrder } from '../../domain/acme/records.ts';
import { readRevocation } from '../../domain/acme/revoke.ts';
import type { Validations } from '../../domain/acme/validations.ts';
import type { StoredCertificate } from '../../domain/ports.ts';
import { serveSigned } from './exchange.ts';
import type { Answer, Exchange, ExchangeParts, Handle } from './exchange.ts';
import { accountView, authorizationView, challengeView, orderView } from './views.ts';

/** What ACME's resources stand on. */
export interface AcmeParts extends ExchangeParts {
  readonly validations: Validations;
  /** Revokes, and waits until those who have to know do. */
  readonly revoke: (certificate: StoredCertificate, reason: RevocationReason, actor: AuditActor) => Promise<void>;
  /** Counts what was issued, or refused with a type of problem. */
  readonly count: (outcome: { readonly profile: string } | { readonly refused: string }) => void;
}

/** A page of an account's orders. */
const pageSize = 100;

/** How long to wait before asking again what comes of something. */
const pollSeconds = 1;

type Done = AcmeOutcome<{ answer: Answer }>;

function done(answer: Answer): Done {
  return { ok: true, answer };
}

/** A resource that an account asks for; with `change` it can also be changed. */
function accountHandle(
  read: (exchange: Exchange, account: AcmeAccount) => Promise<Done>,
  change?: (exchange: Exchange, account: AcmeAccount, payload: Readonly<Record<string, unknown>>) => Promise<Done>,
): Handle {
  return async (exchange) => {
    const { account, envelope } = exchange.signed;
    if (account === undefined) return deny('malformed', 'this is signed by an account: kid');
    if (isPostAsGet(envelope)) return read(exchange, account);
    if (change === undefined) return deny('malformed', 'this is asked for with an empty payload');
    const payload = readPayload(envelope);
    return payload.ok ? change(exchange, account, payload.payload) : payload;
  };
}

const onlyChanged = async (): Promise<Done> => deny('malformed', 'this takes a payload');

function authorizationId({ request }: Exchange): AuthorizationId {
  const { order, index } = request.params as { order: string; index: string };
  return { order, index: /^\d{1,4}$/u.test(index) ? Number(index) : -1 };
}

/** Puts accounts, orders, authorizations, challenges, certificates and revocation on the server. */
export function serveResources(app: FastifyInstance, parts: AcmeParts): void {
  const { context, validations } = parts;
  const serve = (path: string, handle: Handle): void => serveSigned(app, parts, path, 'account', handle);

  serveSigned(app, parts, '/new-account', 'key', async ({ signed, urls, request, arrival }) => {
    const payload = readPayload(signed.envelope);
    if (!payload.ok) return payload;
    const source = { address: request.ip };
    const outcome = await newAccount(context, signed.key, payload.payload, arrival.url, source);
    if (!outcome.ok) return outcome;
    const { account, created } = outcome;
    const location = urls.account(account.id);
    return done({ status: created ? 201 : 200, body: accountView(account, urls), location });
  });

  const ownAccount = ({ request }: Exchange, account: AcmeAccount): boolean =>
    (request.params as { id: string }).id === account.id;
  serve(
    '/account/:id',
    accountHandle(
      async (exchange, account) =>
        ownAccount(exchange, account)
          ? done({ body: accountView(account, exchange.urls) })
          : deny('unauthorized', 'this is another account'),
      async (exchange, account, payload) => {
        if (!ownAccount(exchange, account)) return deny('unauthorized', 'this is another account');
        const outcome = await updateAccount(context, account, payload);
        return outcome.ok ? done({ body: accountView(outcome.account, exchange.urls) }) : outcome;
      },
    ),
  );
  serve(
    '/account/:id/orders',
    accountHandle(async (exchange, account) => {
      if (!ownAccount(exchange, account)) return deny('unauthorized', 'this is another account');
      const { urls, request } = exchange;
      const { after } = request.query as { after?: unknown };
      const from = typeof after === 'string' ? after.slice(0, 64) : undefined;
      const ids = await context.store.acmeOrdersOf(account.id, from, pageSize);
      const next = `${urls.account(account.id)}/orders?after=${ids.at(-1) ?? ''}`;
      const links: Record<string, string> = ids.length < pageSize ? {} : { next };
      return done({ body: { orders: ids.map((id) => urls.order(id)) }, links });
    }),
  );

  const pauseOf = ({ status, leaseUntil, request }: AcmeOrder): number | undefined => {
    if (status === 'processing') return retryAfterSeconds({ createdAt: request?.since ?? 0 }, context.clock());
    return status === 'pending' && leaseUntil !== undefined ? pollSeconds : undefined;
  };
  const orderAnswer = (order: AcmeOrder, { urls }: Exchange, status = 200): Answer => ({
    status,
    body: orderView(order, urls, context.cas()),
    location: urls.order(order.id),
    retryAfterSeconds: pauseOf(order),
  });
  serve(
    '/new-order',
    accountHandle(onlyChanged, async (exchange, account, payload) => {
      const outcome = await newOrder(context, account, payload);
      return outcome.ok ? done(orderAnswer(outcome.order, exchange, 201)) : outcome;
    }),
  );
  serve(
    '/order/:id',
    accountHandle(async (exchange, account) => {
      const { id } = exchange.request.params as { id: string };
      const found = await orderOf(context.store, account, id, context.clock());
      return found.ok ? done(orderAnswer(found.order, exchange)) : found;
    }),
  );
  serve(
    '/order/:id/finalize',
    accountHandle(onlyChanged, async (exchange, account, payload) => {
      const { id } = exchange.request.params as { id: string };
      const outcome = await finalizeOrder(context, account, exchange.signed.key, id, payload);
      if (!outcome.ok) parts.count({ refused: outcome.problem.type });
      else if (outcome.order.status === 'valid') parts.count({ profile: outcome.order.profile });
      return outcome.ok ? done(orderAnswer(outcome.order, exchange)) : outcome;
    }),
  );
  serve(
    '/certificate/:id',
    accountHandle(async (exchange, account) => {
      const { id } = exchange.request.params as { id: string };
      const found = await orderOf(context.store, account, id, context.clock());
      const named = found.ok ? found.order.certificate : undefined;
      const stored = named && (await context.store.certificate(named.issuer, named.serial));
      if (stored === undefined) return deny('malformed', 'this account has no such certificate', { status: 404 });
      const issuer = context.cas().issuing.find(({ keyHash }) => keyHash === stored.issuer);
      const body = pemEncode('CERTIFICATE', stored.der) + (issuer?.pem ?? '');
      return done({ body, mediaType: 'application/pem-certificate-chain' });
    }),
  );

  const authorizationAnswer = ({ order, authorization }: FoundAuthorization, exchange: Exchange): Answer => ({
    body: authorizationView(order, authorization, authorizationId(exchange), exchange.urls, context.clock()),
    retryAfterSeconds: authorization.status === 'pending' ? pollSeconds : undefined,
  });
  serve(
    '/authz/:order/:index',
    accountHandle(
      async (exchange, account) => {
        const found = await authorizationOf(context, account, authorizationId(exchange));
        return found.ok ? done(authorizationAnswer(found, exchange)) : found;
      },
      async (exchange, account, { status }) => {
        if (status !== 'deactivated') return deny('malformed', 'an authorization can be deactivated, and nothing else');
        const outcome = await deactivateAuthorization(context, account, authorizationId(exchange));
        return outcome.ok ? done(authorizationAnswer(outcome, exchange)) : outcome;
      },
    ),
  );
  const challengeAnswer = async (exchange: Exchange, found: Awaited<ReturnType<typeof challengeOf>>): Promise<Done> => {
    if (!found.ok) return found;
    const id = authorizationId(exchange);
    const { challenge } = found;
    return done({
      body: challengeView(challenge, id, exchange.urls),
      links: { up: exchange.urls.authorization(id) },
      retryAfterSeconds: challenge.status === 'processing' ? pollSeconds : undefined,
    });
  };
  const typeOf = ({ request }: Exchange): string => (request.params as { type: string }).type;
  serve(
    '/challenge/:order/:index/:type',
    accountHandle(
      async (exchange, account) =>
        challengeAnswer(exchange, await challengeOf(context, account, authorizationId(exchange), typeOf(exchange))),
      async (exchange, account) =>
        challengeAnswer(
          exchange,
          await answerChallenge(context, validations, account, authorizationId(exchange), typeOf(exchange)),
        ),
    ),
  );

  serveSigned(app, parts, '/revoke-cert', 'either', async ({ signed }) => {
    const payload = readPayload(signed.envelope);
    if (!payload.ok) return payload;
    const outcome = await readRevocation(context, payload.payload, signed.key, signed.account);
    if (!outcome.ok) return outcome;
    await parts.revoke(outcome.certificate, outcome.reason, outcome.actor);
    return done({});
  });
  serveSigned(app, parts, '/key-change', 'account', async ({ signed, arrival, urls }) => {
    const outcome = await changeKey(context, signed, arrival);
    return outcome.ok ? done({ body: accountView(outcome.account, urls) }) : outcome;
  });
}

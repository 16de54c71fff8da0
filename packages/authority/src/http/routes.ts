import { feedMediaType } from '@countersign/protocol';
import type { Bundle, IssuedCertificate, Status, Waiting } from '@countersign/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Approvals } from '../approvals.ts';
import type { Granted } from '../domain/approval/answer.ts';
import type { FeedHub } from '../domain/feed-hub.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { AuthorityService } from '../service.ts';
import { serveRoute } from './api.ts';
import type { WhoCalls } from './api.ts';
import { actorOf, scopeOf } from './caller.ts';
import type { Caller } from './caller.ts';
import { sendSnapshot, streamFeed } from './feed-stream.ts';
import { openApiDocument } from './openapi.ts';
import { ProblemError } from './problem.ts';

/** What the routes stand on. */
export interface RouteParts {
  readonly service: AuthorityService;
  readonly approvals: Approvals;
  readonly hub: FeedHub;
  readonly bundle: () => Promise<Bundle>;
  readonly status: () => Promise<Status>;
  readonly metrics: () => Promise<{ contentType: string; text: string }>;
  readonly version: string;
}

/** An outcome's content; a refusal becomes its problem. */
function need<T extends object>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new ProblemError(outcome.code, outcome.detail);
  return outcome;
}

/** A certificate, or 202 and where to ask again. */
function granted(reply: FastifyReply, outcome: Outcome<Granted>): IssuedCertificate | Waiting {
  const { issued, waiting } = need(outcome);
  if (issued !== undefined) return issued;
  const { id, expiresAt, retryAfterSeconds } = waiting;
  const poll = `/v1/enroll/${id}`;
  reply.code(202).header('retry-after', retryAfterSeconds).header('location', poll).header('cache-control', 'no-store');
  return { status: 'pending', request: id, poll, expiresAt: new Date(expiresAt).toISOString() };
}

function bearer(request: FastifyRequest): string {
  const token = /^Bearer (?<token>[\w.~+/=-]{1,8192})$/iu.exec(request.headers.authorization ?? '')?.groups?.['token'];
  if (token === undefined)
    throw new ProblemError('no_credentials', 'this needs Authorization: Bearer and an enrollment token');
  return token;
}

function millis(timestamp: string | undefined): number | undefined {
  return timestamp === undefined ? undefined : Date.parse(timestamp);
}

/** Profiles of certificates whose holders judge by the feed: a revocation waits for those that say so. */
const mayAcknowledge: ReadonlySet<string> = new Set(['gateway', 'server', 'peer']);

/** Acknowledgements of one gateway's certificate never count for another's, nor a server's of the same name for a gateway's. */
function gatewayId(caller: Caller, id: string): string {
  if (caller.kind !== 'certificate') return id;
  const { name, profile } = caller.certificate;
  return `${profile === 'gateway' ? '' : 'server '}${name}/${id}`;
}

/** Puts every route of the API on a server. */
export function serveApi(app: FastifyInstance, whoCalls: WhoCalls, parts: RouteParts): void {
  const { service, approvals, hub } = parts;
  const openapi = openApiDocument(parts.version);

  serveRoute(app, whoCalls, 'health', () => ({ status: 'ok', version: parts.version }));
  serveRoute(app, whoCalls, 'openapi', () => openapi);
  serveRoute(app, whoCalls, 'bundle', () => parts.bundle());
  serveRoute(app, whoCalls, 'status', () => parts.status());
  serveRoute(app, whoCalls, 'metrics', async ({ reply }) => {
    const { contentType, text } = await parts.metrics();
    return reply.type(contentType).send(text);
  });

  serveRoute(app, whoCalls, 'issue', async ({ caller, body, reply }) => {
    const request = { ...body, notBefore: millis(body.notBefore), notAfter: millis(body.notAfter) };
    const byGateway = caller.kind === 'certificate' && caller.certificate.profile === 'gateway';
    const outcome = byGateway
      ? await service.issueForGateway(request, caller.certificate)
      : await service.issueForAdmin(request, actorOf(caller));
    return granted(reply, outcome);
  });
  serveRoute(app, whoCalls, 'list', ({ query }) => {
    const { cursor = '0', ...filter } = query;
    if (!/^\d{1,15}$/u.test(cursor)) throw new ProblemError('bad_request', 'cursor: not one of ours');
    return service.list({ ...filter, afterId: Number(cursor) });
  });
  serveRoute(app, whoCalls, 'show', async ({ request }) => {
    const { serial } = request.params as { serial: string };
    return need(await service.show(serial)).detail;
  });
  serveRoute(app, whoCalls, 'revoke', async ({ caller, body }) => {
    const { reason, invalidityDate, ...target } = body;
    const why = { reason, invalidityDate: millis(invalidityDate) };
    return need(await service.revoke(target, why, actorOf(caller))).result;
  });
  serveRoute(
    app,
    whoCalls,
    'release',
    async ({ caller, body }) => need(await service.release(body, actorOf(caller))).result,
  );
  serveRoute(app, whoCalls, 'blocks', () => service.listBlocked());
  serveRoute(
    app,
    whoCalls,
    'allow',
    async ({ caller, body }) => need(await service.allow(body.name, actorOf(caller))).result,
  );
  serveRoute(app, whoCalls, 'requests', ({ query: { cursor, ...filter } }) =>
    approvals.list({ ...filter, after: cursor }),
  );
  serveRoute(app, whoCalls, 'request', async ({ request }) => {
    const { id } = request.params as { id: string };
    return need(await approvals.show(id)).detail;
  });
  serveRoute(
    app,
    whoCalls,
    'approve',
    async ({ caller, body }) => need(await approvals.approve(body.id, actorOf(caller))).approved,
  );
  serveRoute(
    app,
    whoCalls,
    'deny',
    async ({ caller, body }) => need(await approvals.deny(body.id, body.reason, actorOf(caller))).denied,
  );
  serveRoute(app, whoCalls, 'token', async ({ caller, body }) => {
    const { token, expiresAt } = need(await service.createToken(body, actorOf(caller), scopeOf(caller)));
    return { token, expiresAt: new Date(expiresAt).toISOString() };
  });
  serveRoute(
    app,
    whoCalls,
    'acmeKey',
    async ({ caller, body }) => need(await service.createAcmeKey(body, actorOf(caller))).created,
  );
  serveRoute(app, whoCalls, 'acmeKeys', () => service.listAcmeKeys());
  serveRoute(app, whoCalls, 'removeAcmeKey', async ({ caller, body }) => {
    need(await service.removeAcmeKey(body.id, actorOf(caller)));
    return { id: body.id };
  });
  serveRoute(app, whoCalls, 'enroll', async ({ body, request, reply }) =>
    granted(reply, await service.enroll(bearer(request), body.csr)),
  );
  serveRoute(app, whoCalls, 'enrolled', async ({ caller, request, reply }) => {
    const { id } = request.params as { id: string };
    const { certificate, tooLate } = caller.kind === 'certificate' ? caller : {};
    const isBorne = certificate === undefined || request.headers.authorization !== undefined;
    const token = isBorne ? bearer(request) : undefined;
    return granted(reply, await approvals.stateOf(id, { certificate, tooLate, token }));
  });
  serveRoute(app, whoCalls, 'renew', async ({ caller, body, reply }) => {
    if (caller.kind !== 'certificate')
      throw new ProblemError('no_credentials', 'this needs the certificate to be renewed');
    return granted(reply, await service.renew(caller.certificate, body.csr, caller.tooLate));
  });

  serveRoute(app, whoCalls, 'snapshot', ({ reply }) => sendSnapshot(hub, reply));
  serveRoute(app, whoCalls, 'acknowledge', async ({ caller, body }) => {
    if (!(await hub.acknowledge(gatewayId(caller, body.gateway), body.cursor, body.workers))) {
      throw new ProblemError('bad_request', 'cursor: of another history, or of the future');
    }
    return { cursor: body.cursor };
  });
  serveRoute(app, whoCalls, 'feed', ({ caller, query, reply }) => {
    const certificate = caller.kind === 'certificate' ? caller.certificate : undefined;
    // Nobody waits for one who only watches.
    const counts = certificate !== undefined && query.gateway !== undefined && mayAcknowledge.has(certificate.profile);
    const subscriber = {
      gateway: counts ? gatewayId(caller, query.gateway ?? '') : undefined,
      isServer: certificate?.profile !== 'gateway',
      name: certificate?.name ?? 'local',
      cursor: query.cursor,
      full: query.snapshot === 'full',
      path: certificate === undefined ? [] : [{ issuer: certificate.issuer, serial: certificate.serial }],
      expiresAt: certificate?.notAfter ?? Number.POSITIVE_INFINITY,
    };
    return streamFeed(hub, subscriber, reply, feedMediaType);
  });
}

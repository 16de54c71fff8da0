import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { deny } from '../../domain/acme/problem.ts';
import type { AcmeProblem } from '../../domain/acme/problem.ts';
import { renewalInfo } from '../../domain/acme/renewal-info.ts';
import { send, sendJson, sendProblem, urlsFor } from './exchange.ts';
import { serveResources } from './resources.ts';
import type { AcmeParts } from './resources.ts';
import type { AcmeUrls } from './urls.ts';

/** What each profile is for, as the directory tells it (draft-ietf-acme-profiles). */
const profileWords: Readonly<Record<string, string>> = {
  server: 'TLS servers',
  peer: 'services that are server and client (with an external account key)',
  client: 'TLS clients (with an external account key)',
  device: 'devices as TLS clients (with an external account key)',
};

function directory({ context }: AcmeParts, urls: AcmeUrls): object {
  const { termsOfService, requireEab, profiles } = context.policy;
  return {
    newNonce: urls.path('new-nonce'),
    newAccount: urls.path('new-account'),
    newOrder: urls.path('new-order'),
    revokeCert: urls.path('revoke-cert'),
    keyChange: urls.path('key-change'),
    renewalInfo: urls.path('renewal-info'),
    meta: {
      ...(termsOfService !== undefined && { termsOfService }),
      externalAccountRequired: requireEab,
      profiles: Object.fromEntries(profiles.map((profile) => [profile, profileWords[profile] ?? profile])),
    },
  };
}

/** ACME (RFC 8555, 8737, 8738, 9773) as a part of a server, with error documents of its own. */
export function acmePlugin(parts: AcmeParts): (app: FastifyInstance) => Promise<void> {
  const { context } = parts;

  const failed = (reply: FastifyReply, request: FastifyRequest, problem: AcmeProblem): FastifyReply =>
    sendProblem(parts, reply, urlsFor(parts, request), problem);

  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/jose+json', { parseAs: 'string' }, async (_: unknown, body: unknown) => body);
    app.setErrorHandler((error, request, reply) => {
      const known = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
      if (known < 500 && error instanceof Error) {
        return failed(reply, request, { type: 'malformed', detail: error.message, status: known });
      }
      parts.log.error({ err: error, url: request.url }, 'an ACME request failed');
      return failed(reply, request, { type: 'serverInternal', detail: 'see the log of the authority' });
    });
    app.setNotFoundHandler((request, reply) =>
      failed(reply, request, { type: 'malformed', detail: 'there is nothing here', status: 404 }),
    );

    app.get('/directory', (request, reply) => {
      const urls = urlsFor(parts, request);
      if (urls === undefined)
        return failed(reply, request, deny('malformed', 'not a host of this authority', { status: 421 }).problem);
      return sendJson(reply, 'application/json', directory(parts, urls));
    });
    // RFC 8555, section 7.2: HEAD is answered with 200, GET with 204.
    app.route({
      method: ['GET', 'HEAD'],
      url: '/new-nonce',
      exposeHeadRoute: false,
      handler: (request, reply) => {
        const urls = urlsFor(parts, request);
        reply.header('cache-control', 'no-store').header('replay-nonce', context.nonces.issue());
        if (urls !== undefined) reply.header('link', `<${urls.directory()}>;rel="index"`);
        return reply.code(request.method === 'HEAD' ? 200 : 204).send();
      },
    });
    app.get('/renewal-info/:id', async (request, reply) => {
      const urls = urlsFor(parts, request);
      const { id } = request.params as { id: string };
      const outcome = await renewalInfo(context, id);
      if (!outcome.ok || urls === undefined) {
        return failed(
          reply,
          request,
          outcome.ok ? { type: 'malformed', detail: 'not a host of this authority', status: 421 } : outcome.problem,
        );
      }
      const { start, end, retryAfterSeconds } = outcome.info;
      const suggestedWindow = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
      return send(reply, urls, { body: { suggestedWindow }, retryAfterSeconds });
    });
    serveResources(app, parts);
  };
}

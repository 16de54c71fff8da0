import type { z } from 'zod';
import {
  acmeKeyCreatedSchema,
  acmeKeyListSchema,
  acmeKeyRemovalSchema,
  acmeKeyRemovedSchema,
  acmeKeyRequestSchema,
} from './acme.ts';
import { allowRequestSchema, allowResultSchema, blockListSchema } from './blocks.ts';
import {
  bundleSchema,
  certificateDetailSchema,
  certificateListSchema,
  certificateQuerySchema,
  certificateRequestSchema,
  issuedCertificateSchema,
} from './certificates.ts';
import { enrollRequestSchema, renewRequestSchema, tokenRequestSchema, tokenResponseSchema } from './enrollment.ts';
import {
  feedAckResultSchema,
  feedAckSchema,
  feedEventSchema,
  feedMediaType,
  feedQuerySchema,
  snapshotEventSchema,
} from './feed.ts';
import {
  approvalSchema,
  approvedSchema,
  denialSchema,
  deniedSchema,
  requestDetailSchema,
  requestListSchema,
  requestQuerySchema,
} from './requests.ts';
import {
  releaseRequestSchema,
  releaseResultSchema,
  revocationRequestSchema,
  revocationResultSchema,
} from './revocations.ts';
import { healthSchema, statusSchema } from './status.ts';

/**
 * Who may call a route: `admin` a certificate of profile admin, or the local socket; `gateway`, `server` and `peer` a certificate
 * of that profile;
 * `holder` any valid certificate of ours; `token` an enrollment token; `anyone`.
 */
export type Principal = 'admin' | 'registrar' | 'gateway' | 'server' | 'peer' | 'holder' | 'token' | 'anyone';

/** One route of the authority's API. */
export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly principals: readonly Principal[];
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly response?: z.ZodType;
  /** It may also answer 202 with a `Waiting`, where an administrator has to approve first. */
  readonly mayWait?: true;
  /** It is about the renewal of the certificate that the connection shows: the profile may allow that for a while after its end. */
  readonly renews?: true;
  /** The response is a stream of lines, each of the response schema. */
  readonly stream?: true;
  /** Of the response, where it is not application/json. */
  readonly mediaType?: string;
}

/** Every route of the authority's API: the same on its HTTPS listener and on its local socket. */
export const routes = {
  health: {
    method: 'GET',
    path: '/v1/health',
    principals: ['anyone'],
    summary: 'Whether the authority answers',
    response: healthSchema,
  },
  openapi: {
    method: 'GET',
    path: '/v1/openapi.json',
    principals: ['anyone'],
    summary: 'This API as an OpenAPI 3.1 document',
  },
  bundle: {
    method: 'GET',
    path: '/v1/bundle',
    principals: ['anyone'],
    summary: 'Trust anchors and intermediates',
    response: bundleSchema,
  },
  issue: {
    method: 'POST',
    path: '/v1/certificates',
    principals: ['admin', 'gateway'],
    summary: 'Issue a certificate; a gateway only server certificates for its own names',
    body: certificateRequestSchema,
    response: issuedCertificateSchema,
    mayWait: true,
  },
  list: {
    method: 'GET',
    path: '/v1/certificates',
    principals: ['admin'],
    summary: 'The certificates that were issued',
    query: certificateQuerySchema,
    response: certificateListSchema,
  },
  show: {
    method: 'GET',
    path: '/v1/certificates/:serial',
    principals: ['admin'],
    summary: 'One certificate',
    response: certificateDetailSchema,
  },
  revoke: {
    method: 'POST',
    path: '/v1/revocations',
    principals: ['admin'],
    summary:
      'Revoke by name, serial or certificate; answers when every connected gateway, and server that judges, has acknowledged, or after a second',
    body: revocationRequestSchema,
    response: revocationResultSchema,
  },
  release: {
    method: 'POST',
    path: '/v1/releases',
    principals: ['admin'],
    summary: 'End a hold',
    body: releaseRequestSchema,
    response: releaseResultSchema,
  },
  blocks: {
    method: 'GET',
    path: '/v1/blocks',
    principals: ['admin'],
    summary: 'The identities that a revocation has blocked',
    response: blockListSchema,
  },
  allow: {
    method: 'POST',
    path: '/v1/blocks/removals',
    principals: ['admin'],
    summary: 'Let a blocked identity get certificates again',
    body: allowRequestSchema,
    response: allowResultSchema,
  },
  requests: {
    method: 'GET',
    path: '/v1/requests',
    principals: ['admin'],
    summary: 'The requests for certificates that wait, or waited, for an administrator',
    query: requestQuerySchema,
    response: requestListSchema,
  },
  request: {
    method: 'GET',
    path: '/v1/requests/:id',
    principals: ['admin'],
    summary: 'One request, with what was proven',
    response: requestDetailSchema,
  },
  approve: {
    method: 'POST',
    path: '/v1/requests/approvals',
    principals: ['admin'],
    summary: 'Approve a request: everything is checked again, and the certificate issued',
    body: approvalSchema,
    response: approvedSchema,
  },
  deny: {
    method: 'POST',
    path: '/v1/requests/denials',
    principals: ['admin'],
    summary: 'Deny a request, with a reason that whoever waits is told',
    body: denialSchema,
    response: deniedSchema,
  },
  token: {
    method: 'POST',
    path: '/v1/tokens',
    principals: ['admin', 'registrar'],
    summary: 'Make a single-use enrollment token; an administrator with a scope within it',
    body: tokenRequestSchema,
    response: tokenResponseSchema,
  },
  enroll: {
    method: 'POST',
    path: '/v1/enroll',
    principals: ['token'],
    summary: 'Redeem an enrollment token',
    body: enrollRequestSchema,
    response: issuedCertificateSchema,
    mayWait: true,
  },
  enrolled: {
    method: 'GET',
    path: '/v1/enroll/:id',
    principals: ['token', 'holder'],
    summary: 'What has become of a request that waits, for the token or the certificate that it came with',
    response: issuedCertificateSchema,
    renews: true,
    mayWait: true,
  },
  renew: {
    method: 'POST',
    path: '/v1/renew',
    principals: ['holder'],
    summary: 'Renew the certificate that the connection shows',
    body: renewRequestSchema,
    response: issuedCertificateSchema,
    renews: true,
    mayWait: true,
  },
  acmeKey: {
    method: 'POST',
    path: '/v1/acme-keys',
    principals: ['admin'],
    summary: 'Make an external account key for ACME; its secret is told once',
    body: acmeKeyRequestSchema,
    response: acmeKeyCreatedSchema,
  },
  acmeKeys: {
    method: 'GET',
    path: '/v1/acme-keys',
    principals: ['admin'],
    summary: 'The external account keys, without their secrets',
    response: acmeKeyListSchema,
  },
  removeAcmeKey: {
    method: 'POST',
    path: '/v1/acme-keys/removals',
    principals: ['admin'],
    summary: 'Remove an external account key: its accounts order nothing more',
    body: acmeKeyRemovalSchema,
    response: acmeKeyRemovedSchema,
  },
  feed: {
    method: 'GET',
    path: '/v1/feed',
    principals: ['gateway', 'server', 'peer', 'admin'],
    summary: 'The stream of revocations and bundle changes',
    query: feedQuerySchema,
    response: feedEventSchema,
    stream: true,
    mediaType: feedMediaType,
  },
  snapshot: {
    method: 'GET',
    path: '/v1/snapshot',
    principals: ['gateway', 'server', 'peer', 'admin'],
    summary: 'The signed state of the feed as it is now',
    response: snapshotEventSchema,
  },
  acknowledge: {
    method: 'POST',
    path: '/v1/feed/acks',
    principals: ['gateway', 'server', 'peer'],
    summary: 'Every worker of a gateway, or a server that judges, has applied the feed up to a cursor',
    body: feedAckSchema,
    response: feedAckResultSchema,
  },
  status: {
    method: 'GET',
    path: '/v1/status',
    principals: ['admin'],
    summary: 'What runs, and what needs mending',
    response: statusSchema,
  },
  metrics: {
    method: 'GET',
    path: '/v1/metrics',
    principals: ['admin', 'gateway'],
    summary: 'Metrics in the text format of Prometheus',
    mediaType: 'text/plain',
  },
} as const satisfies Readonly<Record<string, Route>>;

/** The name of a route. */
export type RouteName = keyof typeof routes;

/** What a route answers with, as its schema reads it. */
export type RouteResponse<R extends RouteName> = (typeof routes)[R] extends {
  readonly response: infer S extends z.ZodType;
}
  ? z.output<S>
  : unknown;

/** What a route is asked with. */
export type RouteBody<R extends RouteName> = (typeof routes)[R] extends { readonly body: infer S extends z.ZodType }
  ? z.input<S>
  : undefined;

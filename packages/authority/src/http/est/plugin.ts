import {
  buildCertsOnly,
  der,
  encodeBase64,
  KEY_DELIVERY_OID,
  OID,
  parseCertificate,
  pemDecode,
} from '@countersign/pki';
import { profileNames } from '@countersign/protocol';
import type { Bundle, IssuedCertificate, ProfileName } from '@countersign/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Granted } from '../../domain/approval/answer.ts';
import type { EstCredential, EstWish } from '../../domain/est/enroll.ts';
import type { KeygenWish } from '../../domain/est/server-keygen.ts';
import { readEstRequest } from '../../domain/est/csr.ts';
import type { Outcome } from '../../domain/outcome.ts';
import type { WhoCalls } from '../api.ts';
import { ProblemError } from '../problem.ts';
import type { FactoryCallers } from './factory-callers.ts';
import { multipart } from './multipart.ts';
import { answerInText } from './text-errors.ts';
import type { EstLog } from './text-errors.ts';

/** Where EST stands (RFC 7030, section 3.2.2). */
export const estPrefix = '/.well-known/est';

/** What EST stands on. */
export interface EstParts {
  readonly enroll: (wish: EstWish) => Promise<Outcome<Granted>>;
  readonly bundle: () => Promise<Bundle>;
  /** Where keys are made here for some profiles. */
  readonly keygen?:
    | {
        readonly profiles: Pick<ReadonlyMap<ProfileName, unknown>, 'has'>;
        readonly generate: (wish: KeygenWish) => Promise<Outcome<{ issued: IssuedCertificate; envelope: Uint8Array }>>;
      }
    | undefined;
  readonly factories: FactoryCallers;
  readonly log: EstLog;
}

const certificatesType = 'application/pkcs7-mime';
const issuedType = `${certificatesType}; smime-type=certs-only`;
const keyType = `${certificatesType}; smime-type=server-generated-key`;
const requestType = 'application/pkcs10';
const attributesType = 'application/csrattrs';

/** A request of 64 KiB in base64, with its line breaks. */
const bodyLimit = 96 << 10;

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

/** What requests should have (RFC 7030, section 4.5.2): a key on P-256, signed with ECDSA and SHA-256. Every other strong key will do. */
const wantedOfRequests = [
  der.sequence(der.oid(OID.ecPublicKey), der.setOf([der.oid(OID.p256)])),
  der.oid(ecdsaWithSha256),
];
const requestAttributes = der.sequence(...wantedOfRequests);

/** Where keys are made here: also, which key opens what comes, and by which algorithms (RFC 7030, section 4.4.1). */
const keygenAttributes = der.sequence(
  ...wantedOfRequests,
  der.oid(KEY_DELIVERY_OID.clientKeyId),
  der.oid(KEY_DELIVERY_OID.capabilities),
);

/** RFC 8951, section 3.1: base64 and nothing about it in a field; in lines, so that every reader takes it. */
export function bodyOf(octets: Uint8Array): string {
  return encodeBase64(octets).replaceAll(/.{1,64}/gu, '$&\n');
}

function send(reply: FastifyReply, type: string, octets: Uint8Array): FastifyReply {
  return sendBody(reply, type, bodyOf(octets));
}

function sendBody(reply: FastifyReply, type: string, body: string): FastifyReply {
  // The server adds no charset of its own to what is set on the response itself.
  reply.raw.setHeader('content-type', type);
  return reply.header('cache-control', 'no-store').send(Buffer.from(body));
}

function certificatesIn(pem: readonly string[]): Uint8Array[] {
  return pem.flatMap((text) => pemDecode(text).map(({ der: octets }) => octets));
}

/** HTTP Basic (RFC 7617) with an enrollment token as the password; the user's name may be anything. */
function basicToken(request: FastifyRequest): string | undefined {
  const field = request.headers.authorization;
  if (field === undefined) return undefined;
  const encoded = /^Basic +(?<pair>[A-Za-z0-9+/]{1,12288}={0,2})$/iu.exec(field)?.groups?.['pair'];
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const token = /^[^:]{0,256}:(?<token>[\w.~+/=-]{1,8192})$/u.exec(pair)?.groups?.['token'];
  if (token === undefined)
    throw new ProblemError('token_invalid', 'Authorization is Basic, with an enrollment token as the password');
  return token;
}

function labelOf(request: FastifyRequest): ProfileName | undefined {
  const { label } = request.params as { label?: string };
  if (label === undefined) return undefined;
  const profile = profileNames.find((name) => name === label);
  if (profile === undefined)
    throw new ProblemError('not_found', `label ${label} is none of ${profileNames.join(', ')}`);
  return profile;
}

function issuedOctets({ certificate }: IssuedCertificate): Uint8Array {
  const [leaf = new Uint8Array()] = certificatesIn([certificate]);
  return buildCertsOnly({ certificates: [leaf], crls: [] });
}

/** Who calls, and the certificate on the connection (DER) whether or not it is what counts. */
interface EstCaller {
  readonly credential: EstCredential;
  readonly certificate: Uint8Array | undefined;
}

/** EST (RFC 7030, RFC 8951) as a part of the API's server; `whoCalls` knows certificates of ours. */
export function estPlugin(parts: EstParts, whoCalls: WhoCalls): (app: FastifyInstance) => Promise<void> {
  const callers = new WeakMap<FastifyRequest, EstCaller>();

  async function callerOf(request: FastifyRequest, renews: boolean): Promise<EstCaller> {
    const caller = await whoCalls(request, renews);
    // A token counts for more than the certificate beside it; a certificate that does not count is never taken for none.
    const shown = caller.kind === 'refused' ? parts.factories.shownBy(request.raw.socket, caller) : undefined;
    const token = basicToken(request);
    const own = caller.kind === 'certificate' ? caller : undefined;
    const certificate = shown?.certificate.der ?? own?.certificate.der;
    if (token !== undefined) return { credential: { by: 'token', token }, certificate };
    if (shown !== undefined) return { credential: { by: 'factory', shown }, certificate };
    if (own !== undefined) return { credential: { ...own, by: 'certificate' }, certificate };
    throw new ProblemError('no_credentials', 'this needs a client certificate, or Basic with an enrollment token');
  }

  /** What somebody asks for, and who it is. */
  function wishOf(request: FastifyRequest): EstCaller & Pick<EstWish, 'request' | 'label'> {
    const caller = callers.get(request);
    const read = readEstRequest(request.body);
    if (!read.ok || caller === undefined)
      throw read.ok ? new ProblemError('no_credentials', 'unknown caller') : new ProblemError(read.code, read.detail);
    return { ...caller, request: read.request, label: labelOf(request) };
  }

  async function enroll(request: FastifyRequest, reply: FastifyReply, again: boolean): Promise<FastifyReply> {
    const { certificate: _, ...wish } = wishOf(request);
    const outcome = await parts.enroll({ ...wish, again });
    if (!outcome.ok) throw new ProblemError(outcome.code, outcome.detail);
    const { issued, waiting } = outcome;
    if (issued === undefined) {
      // RFC 7030, section 4.2.3: the same request asked again gets the certificate once there is one.
      const words = `an administrator has to approve request ${waiting.id}: send it again later\n`;
      const later = reply
        .code(202)
        .header('retry-after', waiting.retryAfterSeconds)
        .header('cache-control', 'no-store');
      return later.type('text/plain; charset=utf-8').send(words);
    }
    return send(reply, issuedType, issuedOctets(issued));
  }

  /** Server-side key generation (RFC 7030, section 4.4). */
  async function generate(
    request: FastifyRequest,
    reply: FastifyReply,
    keygen: NonNullable<EstParts['keygen']>,
  ): Promise<FastifyReply> {
    const { certificate, ...wish } = wishOf(request);
    const shown = certificate === undefined ? undefined : parseCertificate(certificate);
    const outcome = await keygen.generate({ ...wish, shown });
    if (!outcome.ok) throw new ProblemError(outcome.code, outcome.detail);
    const { type, body } = multipart([
      { type: keyType, octets: outcome.envelope },
      { type: issuedType, octets: issuedOctets(outcome.issued) },
    ]);
    return sendBody(reply, type, body);
  }

  const { keygen } = parts;
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(requestType, { parseAs: 'string', bodyLimit }, async (_: unknown, body: unknown) => body);
    answerInText(app, parts.log);

    for (const prefix of ['', '/:label']) {
      app.get(`${prefix}/cacerts`, async (request, reply) => {
        labelOf(request);
        const { anchors, intermediates } = await parts.bundle();
        const certificates = certificatesIn([...anchors, ...intermediates]);
        return send(reply, certificatesType, buildCertsOnly({ certificates, crls: [] }));
      });
      app.get(`${prefix}/csrattrs`, (request, reply) => {
        const label = labelOf(request);
        const made = label === undefined ? keygen !== undefined : keygen?.profiles.has(label) === true;
        return send(reply, attributesType, made ? keygenAttributes : requestAttributes);
      });
      // Who calls is known before the body is read: nobody makes us read what is not allowed anyway.
      const onRequest =
        (renews: boolean) =>
        async (request: FastifyRequest): Promise<void> => {
          labelOf(request);
          callers.set(request, await callerOf(request, renews));
        };
      for (const operation of ['simpleenroll', 'simplereenroll'] as const) {
        const again = operation === 'simplereenroll';
        app.post(`${prefix}/${operation}`, {
          onRequest: onRequest(again),
          handler: (request, reply) => enroll(request, reply, again),
        });
      }
      if (keygen !== undefined)
        app.post(`${prefix}/serverkeygen`, {
          onRequest: onRequest(false),
          handler: (request, reply) => generate(request, reply, keygen),
        });
    }
  };
}

import { buildCertsOnly, der, encodeBase64, OID, pemDecode } from '@countersign/pki';
import { profileNames } from '@countersign/protocol';
import type { Bundle, ProfileName } from '@countersign/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Granted } from '../../domain/approval/answer.ts';
import type { EstCredential, EstWish } from '../../domain/est/enroll.ts';
import { readEstRequest } from '../../domain/est/csr.ts';
import type { Outcome } from '../../domain/outcome.ts';
import type { WhoCalls } from '../api.ts';
import { ProblemError } from '../problem.ts';
import type { FactoryCallers } from './factory-callers.ts';
import { answerInText } from './text-errors.ts';
import type { EstLog } from './text-errors.ts';

/** Where EST stands (RFC 7030, section 3.2.2). */
export const estPrefix = '/.well-known/est';

/** What EST stands on. */
export interface EstParts {
  readonly enroll: (wish: EstWish) => Promise<Outcome<Granted>>;
  readonly bundle: () => Promise<Bundle>;
  readonly factories: FactoryCallers;
  readonly log: EstLog;
}

const certificatesType = 'application/pkcs7-mime';
const issuedType = `${certificatesType}; smime-type=certs-only`;
const requestType = 'application/pkcs10';
const attributesType = 'application/csrattrs';

/** A request of 64 KiB in base64, with its line breaks. */
const bodyLimit = 96 << 10;

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

/** What requests should have (RFC 7030, section 4.5.2): a key on P-256, signed with ECDSA and SHA-256. Every other strong key will do. */
const requestAttributes = der.sequence(
  der.sequence(der.oid(OID.ecPublicKey), der.setOf([der.oid(OID.p256)])),
  der.oid(ecdsaWithSha256),
);

/** RFC 8951, section 3.1: base64 and nothing about it in a field; in lines, so that every reader takes it. */
export function bodyOf(octets: Uint8Array): string {
  return encodeBase64(octets).replaceAll(/.{1,64}/gu, '$&\n');
}

function send(reply: FastifyReply, type: string, octets: Uint8Array): FastifyReply {
  // The server adds no charset of its own to what is set on the response itself.
  reply.raw.setHeader('content-type', type);
  return reply.header('cache-control', 'no-store').send(Buffer.from(bodyOf(octets)));
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

/** EST (RFC 7030, RFC 8951) as a part of the API's server; `whoCalls` knows certificates of ours. */
export function estPlugin(parts: EstParts, whoCalls: WhoCalls): (app: FastifyInstance) => Promise<void> {
  const credentials = new WeakMap<FastifyRequest, EstCredential>();

  async function credentialOf(request: FastifyRequest): Promise<EstCredential> {
    const caller = await whoCalls(request);
    // A token counts for more than the certificate beside it; a certificate that does not count is never taken for none.
    const shown = caller.kind === 'refused' ? parts.factories.shownBy(request.raw.socket, caller) : undefined;
    const token = basicToken(request);
    if (token !== undefined) return { by: 'token', token };
    if (shown !== undefined) return { by: 'factory', shown };
    if (caller.kind === 'certificate') return { by: 'certificate', certificate: caller.certificate };
    throw new ProblemError('no_credentials', 'this needs a client certificate, or Basic with an enrollment token');
  }

  async function enroll(request: FastifyRequest, reply: FastifyReply, again: boolean): Promise<FastifyReply> {
    const credential = credentials.get(request);
    const read = readEstRequest(request.body);
    if (!read.ok || credential === undefined)
      throw read.ok ? new ProblemError('no_credentials', 'unknown caller') : new ProblemError(read.code, read.detail);
    const outcome = await parts.enroll({ credential, request: read.request, label: labelOf(request), again });
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
    const [leaf = new Uint8Array()] = certificatesIn([issued.certificate]);
    return send(reply, issuedType, buildCertsOnly({ certificates: [leaf], crls: [] }));
  }

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
        labelOf(request);
        return send(reply, attributesType, requestAttributes);
      });
      for (const operation of ['simpleenroll', 'simplereenroll'] as const) {
        app.post(`${prefix}/${operation}`, {
          // Who calls is known before the body is read: nobody makes us read what is not allowed anyway.
          onRequest: async (request) => {
            labelOf(request);
            credentials.set(request, await credentialOf(request));
          },
          handler: (request, reply) => enroll(request, reply, operation === 'simplereenroll'),
        });
      }
    }
  };
}

// An OCSP responder that says whatever a test wants to see believed, or refused.
import { buildOcspError, buildOcspResponse, ocspCertId, parseOcspRequest } from '@countersign/pki';
import type { OcspAnswer, OcspCertId, OcspResponseStatus, Signer } from '@countersign/pki';
import { nodeCrypto, nodeSigner } from '@countersign/trust';

import type { TestCa, TestCertificate } from './ca.ts';
import { serveHttp } from './http-server.ts';
import type { TestHttpServer } from './http-server.ts';

const HOUR = 3_600_000;

/** How a responder answers. Everything has an honest value that is used where nothing is said. */
export interface OcspBehaviour {
  /** By serial number in hex; `good` for all by default. */
  readonly status?: ((serialHex: string) => OcspAnswer['status']) | undefined;
  /** Milliseconds since the epoch: the CA's clock by default. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds from `now`. */
  readonly thisUpdate?: number;
  /** Milliseconds from `now`; an hour by default, `null`: none. */
  readonly nextUpdate?: number | null;
  /** Milliseconds from `now`. */
  readonly producedAt?: number;
  /** Who signs instead of the CA; his certificate comes along. */
  readonly delegate?: TestCertificate | undefined;
  /** Signs with this key although the names say otherwise. */
  readonly forgedBy?: Signer | undefined;
  /** The certificate that comes along, instead of the delegate's. */
  readonly shows?: readonly Uint8Array[] | undefined;
  /** Answers about another certificate than the one that was asked for. */
  readonly about?: ((asked: OcspCertId) => OcspCertId) | undefined;
  readonly nonce?: 'echo' | 'none' | 'wrong';
  /** No answer but an error. */
  readonly error?: Exclude<OcspResponseStatus, 'successful'>;
}

/** The DER of an answer to a request. */
export async function ocspAnswer(
  requestDer: Uint8Array,
  issuer: TestCa,
  behaviour: OcspBehaviour = {},
): Promise<Uint8Array> {
  if (behaviour.error !== undefined) return buildOcspError(behaviour.error);
  const request = parseOcspRequest(requestDer);
  const { delegate, forgedBy, about = (asked) => asked, status = () => ({ status: 'good' }) } = behaviour;
  const now = behaviour.now?.() ?? issuer.now;
  const signer = delegate ?? issuer;
  const nextUpdate = behaviour.nextUpdate === undefined ? HOUR : behaviour.nextUpdate;
  const shown = behaviour.shows ?? (delegate === undefined ? [] : [delegate.der]);
  const nonce = nonceOf(request.nonce, behaviour.nonce ?? 'echo');
  return buildOcspResponse(
    {
      responderId: { type: 'key', keyHash: nodeCrypto.digest('sha1', signer.certificate.spki.bits) },
      producedAt: now + (behaviour.producedAt ?? 0),
      answers: request.questions.map(({ certId }) => ({
        certId: about(certId),
        status: status(Buffer.from(certId.serialNumber).toString('hex')),
        thisUpdate: now + (behaviour.thisUpdate ?? 0),
        ...(nextUpdate === null ? {} : { nextUpdate: now + nextUpdate }),
      })),
      nonce,
      certificates: shown,
    },
    forgedBy ?? nodeSigner(signer.key.privateKey),
  );
}

/** The CertID of a certificate, as an answer about it would have it. */
export function certIdOf({ certificate }: TestCertificate, issuer: TestCa): OcspCertId {
  return ocspCertId(certificate, issuer.certificate, 'sha1', nodeCrypto);
}

/**
 * Serves OCSP by POST on the loopback.
 *
 * @param behaviour asked anew for each request.
 * @example await using responder = await serveOcsp(ca, () => ({ status: () => ({ status: 'good' }) }));
 */
export function serveOcsp(issuer: TestCa, behaviour: () => OcspBehaviour = () => ({})): Promise<TestHttpServer> {
  return serveHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      ocspAnswer(Buffer.concat(chunks), issuer, behaviour()).then(
        (der) => response.writeHead(200, { 'content-type': 'application/ocsp-response' }).end(der),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  });
}

function nonceOf(asked: Uint8Array | undefined, kind: 'echo' | 'none' | 'wrong'): Uint8Array | undefined {
  if (kind === 'wrong') return Buffer.alloc(32, 7);
  return kind === 'echo' ? asked : undefined;
}

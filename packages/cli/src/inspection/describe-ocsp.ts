// OCSP requests and responses (RFC 6960), told.
import { nameToString, type OcspSingleResponse, parseOcspResponseData, signatureScheme, toHex } from '@countersign/pki';
import { type Description, hex, present, time } from './facts.ts';
import type { Found } from './read.ts';

/** Everything there is to tell about an OCSP message. Whether its signature holds is `verify`'s to say. */
export function describeOcsp(found: Extract<Found, { kind: 'ocsp request' | 'ocsp response' }>): Description {
  if (found.kind === 'ocsp request') {
    const { questions, nonce, signed } = found.request;
    return present({
      serials: questions.map(({ certId }) => toHex(certId.serialNumber)),
      issuerKeyHashes: [...new Set(questions.map(({ certId }) => toHex(certId.issuerKeyHash)))],
      nonce: hex(nonce),
      signed: signed ? true : undefined,
    });
  }
  const { status, basic } = found.response;
  if (basic === undefined) return { status };
  const { responderId, producedAt, responses, nonce } = parseOcspResponseData(basic.tbs);
  return present({
    status,
    responder: responderId.type === 'name' ? nameToString(responderId.name) : `key hash ${toHex(responderId.keyHash)}`,
    producedAt: time(producedAt),
    answers: responses.map(answerText),
    nonce: hex(nonce),
    signatureAlgorithm: signatureScheme(basic.signatureAlgorithm) ?? basic.signatureAlgorithm.oid,
    certificates: basic.certificates.length,
  });
}

function answerText({ certId, certStatus, thisUpdate, nextUpdate }: OcspSingleResponse): string {
  const revoked =
    certStatus.status === 'revoked'
      ? ` at ${time(certStatus.revocationTime)}${certStatus.reason === undefined ? '' : ` (${certStatus.reason})`}`
      : '';
  const until = nextUpdate === undefined ? '' : `, until ${time(nextUpdate)}`;
  return `${toHex(certId.serialNumber)} ${certStatus.status}${revoked}, as of ${time(thisUpdate)}${until}`;
}

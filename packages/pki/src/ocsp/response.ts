import type { CrlReason } from '../crl/reasons.ts';
import { reasonName } from '../crl/reasons.ts';
import { DerReader } from '../der/reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import { readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { readName } from '../x509/name.ts';
import type { Name } from '../x509/name.ts';
import { readCertId } from './cert-id.ts';
import type { OcspCertId } from './cert-id.ts';
import { readNonce } from './nonce.ts';
import { OCSP_OID } from './oids.ts';
import { readExplicitExtensions, readVersion } from './request.ts';

/** RFC 6960, section 4.2.1; 4 is not used. */
export const OCSP_RESPONSE_STATUS = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const;

export type OcspResponseStatus = keyof typeof OCSP_RESPONSE_STATUS;

/** An OCSP response: an error, or a signed answer. */
export type OcspResponse =
  | { readonly status: Exclude<OcspResponseStatus, 'successful'>; readonly basic: undefined }
  | { readonly status: 'successful'; readonly basic: BasicOcspResponse };

/** The signed answer (BasicOCSPResponse), its content not yet read: see {@link parseOcspResponseData}. */
export interface BasicOcspResponse {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** DER of each certificate that came along, not looked into. */
  readonly certificates: readonly Uint8Array[];
}

/** Who signed: by name, or by the SHA-1 of the public key. */
export type OcspResponderId =
  | { readonly type: 'name'; readonly name: Name }
  | { readonly type: 'key'; readonly keyHash: Uint8Array };

export interface OcspSingleResponse {
  readonly certId: OcspCertId;
  readonly certStatus:
    | { readonly status: 'good' | 'unknown' }
    | { readonly status: 'revoked'; readonly revocationTime: number; readonly reason: CrlReason | undefined };
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch. */
  readonly nextUpdate: number | undefined;
  readonly extensions: readonly Extension[];
}

/** ResponseData (RFC 6960, section 4.2.1). */
export interface OcspResponseData {
  readonly responderId: OcspResponderId;
  /** Milliseconds since the epoch. */
  readonly producedAt: number;
  readonly responses: readonly OcspSingleResponse[];
  readonly extensions: readonly Extension[];
  /** RFC 9654. */
  readonly nonce: Uint8Array | undefined;
}

const maxBytes = 1 << 20;
const maxCertificates = 16;
const maxResponses = 4096;
const keyHashOctets = 20;

/**
 * Reads an OCSP response as far as its signature, strictly (RFC 6960, section 4.2.1).
 *
 * @throws PkiError `ocsp_malformed` or a `der_…` code
 *
 * @example
 * const response = parseOcspResponse(body);
 * if (response.status === 'successful') parseOcspResponseData(response.basic.tbs).responses;
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  const reader = new DerReader(new Uint8Array(der), { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const status = readStatus(reader);
  let basic: BasicOcspResponse | undefined;
  if (reader.peek() === contextConstructed(0)) {
    const wrapped = reader.enter(contextConstructed(0));
    const inner = reader.enter(TAG.SEQUENCE);
    const type = reader.oidText();
    if (type !== OCSP_OID.basicResponse) throw new PkiError('ocsp_malformed', `response of type ${type}`);
    reader.octetString();
    basic = readBasicResponse(reader.content());
    reader.leave(inner);
    reader.leave(wrapped);
  }
  reader.leave(outer);
  reader.finish();
  if (status !== 'successful') return { status, basic: undefined };
  if (basic === undefined) throw new PkiError('ocsp_malformed', 'a successful response without an answer');
  return { status, basic };
}

function readStatus(reader: DerReader): OcspResponseStatus {
  const value = reader.smallInteger(TAG.ENUMERATED);
  const known = Object.entries(OCSP_RESPONSE_STATUS).find(([, number]) => number === value);
  if (known === undefined) throw new PkiError('ocsp_malformed', `response status ${value}`, reader.from);
  return known[0] as OcspResponseStatus;
}

function readBasicResponse(der: Uint8Array): BasicOcspResponse {
  const reader = new DerReader(der, { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const from = reader.pos;
  reader.any();
  const tbs = reader.bytes.subarray(from, reader.pos);
  const signatureAlgorithm = readAlgorithm(reader);
  reader.bitOctets();
  const signature = reader.content();
  const certificates: Uint8Array[] = [];
  if (reader.peek() === contextConstructed(0)) {
    const wrapped = reader.enter(contextConstructed(0));
    const list = reader.enter(TAG.SEQUENCE);
    while (!reader.done) {
      certificates.push(reader.anyDer());
      if (certificates.length > maxCertificates) throw new PkiError('ocsp_malformed', 'too many certificates');
    }
    reader.leave(list);
    reader.leave(wrapped);
  }
  reader.leave(outer);
  reader.finish();
  return { tbs, signatureAlgorithm, signature, certificates };
}

/**
 * Reads what was signed, strictly. Critical extensions are not judged here.
 *
 * @throws PkiError `ocsp_malformed`, `ext_…` or a `der_…` code
 */
export function parseOcspResponseData(tbs: Uint8Array): OcspResponseData {
  const reader = new DerReader(tbs, { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  readVersion(reader);
  const responderId = readResponderId(reader);
  const producedAt = reader.generalizedTime();
  const responses: OcspSingleResponse[] = [];
  const list = reader.enter(TAG.SEQUENCE);
  while (!reader.done) {
    responses.push(readSingleResponse(reader));
    if (responses.length > maxResponses) throw new PkiError('ocsp_malformed', 'too many responses', reader.pos);
  }
  reader.leave(list);
  const extensions = readExplicitExtensions(reader, 1);
  reader.leave(outer);
  reader.finish();
  return { responderId, producedAt, responses, extensions, nonce: readNonce(extensions) };
}

function readResponderId(reader: DerReader): OcspResponderId {
  if (reader.peek() === contextConstructed(1)) {
    const outer = reader.enter(contextConstructed(1));
    const name = readName(reader);
    reader.leave(outer);
    return { type: 'name', name };
  }
  const outer = reader.enter(contextConstructed(2));
  reader.octetString();
  const keyHash = reader.content();
  reader.leave(outer);
  if (keyHash.length !== keyHashOctets) throw new PkiError('ocsp_malformed', 'length of the responder key hash');
  return { type: 'key', keyHash };
}

function readSingleResponse(reader: DerReader): OcspSingleResponse {
  const outer = reader.enter(TAG.SEQUENCE);
  const certId = readCertId(reader);
  const certStatus = readCertStatus(reader);
  const thisUpdate = reader.generalizedTime();
  let nextUpdate: number | undefined;
  if (reader.peek() === contextConstructed(0)) {
    const inner = reader.enter(contextConstructed(0));
    nextUpdate = reader.generalizedTime();
    reader.leave(inner);
  }
  const extensions = readExplicitExtensions(reader, 1);
  reader.leave(outer);
  return { certId, certStatus, thisUpdate, nextUpdate, extensions };
}

function readCertStatus(reader: DerReader): OcspSingleResponse['certStatus'] {
  const tag = reader.peek();
  if (tag !== contextConstructed(1)) {
    const good = tag === contextPrimitive(0);
    reader.element(contextPrimitive(good ? 0 : 2));
    if (reader.to !== reader.from) throw new PkiError('der_null', undefined, reader.from);
    return { status: good ? 'good' : 'unknown' };
  }
  const outer = reader.enter(contextConstructed(1));
  const revocationTime = reader.generalizedTime();
  let reason: CrlReason | undefined;
  if (reader.peek() === contextConstructed(0)) {
    const inner = reader.enter(contextConstructed(0));
    const value = reader.smallInteger(TAG.ENUMERATED);
    reason = reasonName(value);
    if (reason === undefined) throw new PkiError('ocsp_malformed', `reason ${value}`, reader.from);
    reader.leave(inner);
  }
  reader.leave(outer);
  return { status: 'revoked', revocationTime, reason };
}

import { DerReader } from '../der/reader.ts';
import { contextConstructed, TAG } from '../der/tags.ts';
import { explicit, sequence } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Crypto, DigestAlgorithm } from '../keys/crypto.ts';
import { encodeExtension } from '../x509/build-extensions.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { readExtensionList } from '../x509/extensions/list.ts';
import { readGeneralName } from '../x509/general-name.ts';
import type { GeneralName } from '../x509/general-name.ts';
import { encodeCertId, ocspCertId, readCertId } from './cert-id.ts';
import type { NamedCertificate, OcspCertId } from './cert-id.ts';
import { nonceExtension, readNonce } from './nonce.ts';

/** One question. */
export interface OcspQuestion {
  readonly certId: OcspCertId;
  readonly extensions: readonly Extension[];
}

/** An OCSP request (RFC 6960, section 4.1). */
export interface OcspRequest {
  readonly der: Uint8Array;
  readonly requestorName: GeneralName | undefined;
  readonly questions: readonly OcspQuestion[];
  readonly extensions: readonly Extension[];
  /** RFC 9654. */
  readonly nonce: Uint8Array | undefined;
  /** A signature is there; nobody asks for one, and it is not looked at. */
  readonly signed: boolean;
}

const maxBytes = 64 << 10;
const maxQuestions = 128;

/**
 * Reads an OCSP request, strictly.
 *
 * @throws PkiError `ocsp_malformed`, `ext_…` or a `der_…` code
 *
 * @example
 * const [question] = parseOcspRequest(body).questions;
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  const reader = new DerReader(new Uint8Array(der), { maxBytes });
  const outer = reader.enter(TAG.SEQUENCE);
  const tbs = reader.enter(TAG.SEQUENCE);
  readVersion(reader);
  let requestorName: GeneralName | undefined;
  if (reader.peek() === contextConstructed(1)) {
    const inner = reader.enter(contextConstructed(1));
    requestorName = readGeneralName(reader, 'address', true);
    reader.leave(inner);
  }
  const questions = readQuestions(reader);
  const extensions = readExplicitExtensions(reader, 2);
  reader.leave(tbs);
  const signed = reader.peek() === contextConstructed(0);
  if (signed) reader.any();
  reader.leave(outer);
  reader.finish();
  return { der: reader.bytes, requestorName, questions, extensions, nonce: readNonce(extensions), signed };
}

function readQuestions(reader: DerReader): OcspQuestion[] {
  const questions: OcspQuestion[] = [];
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ocsp_malformed', 'a request that asks nothing', reader.pos);
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    const certId = readCertId(reader);
    questions.push({ certId, extensions: readExplicitExtensions(reader, 0) });
    reader.leave(inner);
    if (questions.length > maxQuestions) throw new PkiError('ocsp_malformed', 'too many questions', reader.pos);
  } while (!reader.done);
  reader.leave(outer);
  return questions;
}

/** `version [0] EXPLICIT INTEGER DEFAULT v1`: spelled out by many, which is harmless, so it may stand. */
export function readVersion(reader: DerReader): void {
  if (reader.peek() !== contextConstructed(0)) return;
  const outer = reader.enter(contextConstructed(0));
  const version = reader.smallInteger();
  reader.leave(outer);
  if (version !== 0) throw new PkiError('ocsp_malformed', `version ${version + 1}`);
}

/** `[n] EXPLICIT Extensions OPTIONAL`. */
export function readExplicitExtensions(reader: DerReader, n: number): readonly Extension[] {
  if (reader.peek() !== contextConstructed(n)) return [];
  const outer = reader.enter(contextConstructed(n));
  const extensions = readExtensionList(reader);
  reader.leave(outer);
  return extensions;
}

export interface BuildOcspRequestOptions {
  /** 32 octets of randomness, for an answer that was made for this request (RFC 9654). */
  readonly nonce?: Uint8Array;
  /** Of the CertID; SHA-1 by default, see `ocspCertId`. */
  readonly digest?: DigestAlgorithm;
}

/**
 * Builds an OCSP request for certificates of one issuer (RFC 6960, section 4.1; with one certificate and no nonce it fits RFC 5019).
 *
 * @throws PkiError `argument` for no certificate, or a nonce outside 1 to 128 octets
 *
 * @example
 * const request = buildOcspRequest([certificate], issuer, nodeCrypto, { nonce: randomBytes(32) });
 */
export function buildOcspRequest(
  certificates: readonly NamedCertificate[],
  issuer: Pick<Certificate, 'spki'>,
  crypto: Crypto,
  options: BuildOcspRequestOptions = {},
): Uint8Array {
  if (certificates.length === 0) throw new PkiError('argument', 'no certificate');
  const { nonce, digest = 'sha1' } = options;
  const questions = certificates.map((certificate) =>
    sequence(encodeCertId(ocspCertId(certificate, issuer, digest, crypto))),
  );
  const extensions = nonce === undefined ? undefined : sequence(encodeExtension(nonceExtension(nonce)));
  return sequence(sequence(sequence(...questions), extensions === undefined ? undefined : explicit(2, extensions)));
}

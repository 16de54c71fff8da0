import { PkiError } from '../errors.ts';
import { DerReader } from '../der/reader.ts';
import type { DerLimits } from '../der/reader.ts';
import { decodeString } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { DecodedExtensions } from '../x509/extensions/decoded.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { EXT } from '../x509/extensions/known.ts';
import type { BasicConstraints, KeyUsage } from '../x509/extensions/usage.ts';
import type { GeneralName } from '../x509/general-name.ts';
import { readName } from '../x509/name.ts';
import type { Name } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import { readPublicKeyInfo } from '../x509/public-key.ts';
import type { SubjectPublicKeyInfo } from '../x509/public-key.ts';

/** One attribute of a request (RFC 2986 section 4.1); each value is a whole encoding. */
export interface CsrAttribute {
  readonly type: string;
  readonly values: readonly Uint8Array[];
}

/** The extensions that a request asks for, decoded as in a certificate. What is asked for is never what is granted. */
export interface RequestedExtensions {
  readonly list: readonly Extension[];
  readonly subjectAltName: readonly GeneralName[] | undefined;
  readonly keyUsage: KeyUsage | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly basicConstraints: BasicConstraints | undefined;
  readonly tlsFeature: readonly number[] | undefined;
}

/** A certificate request (PKCS#10, RFC 2986). Its signature proves possession of the key: check it with `verifySignature(csr, csr.spki, crypto)`. */
export interface Csr {
  readonly der: Uint8Array;
  /** The signed part (CertificationRequestInfo). */
  readonly tbs: Uint8Array;
  readonly subject: Name;
  readonly spki: SubjectPublicKeyInfo;
  readonly attributes: readonly CsrAttribute[];
  readonly requestedExtensions: RequestedExtensions;
  /** RFC 2985 section 5.4.1. */
  readonly challengePassword: string | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

const MAX_CSR_BYTES = 1 << 16;
const MAX_ATTRIBUTES = 32;

/**
 * Reads a DER-encoded certificate request (RFC 2986), strictly: attributes once each, the ones that are known
 * (extensionRequest, challengePassword) with exactly one well-formed value.
 *
 * @param der at most 64 KiB unless `limits.maxBytes` says otherwise; copied
 * @throws PkiError
 * @example
 * const csr = parseCsr(der);
 * if (!verifySignature(csr, csr.spki, nodeCrypto).ok) throw new Error('no proof of possession');
 */
export function parseCsr(der: Uint8Array, limits?: DerLimits): Csr {
  const bounds = { maxBytes: MAX_CSR_BYTES, ...limits };
  if (der.length > bounds.maxBytes) throw new PkiError('der_size', `${der.length} octets`);
  const reader = new DerReader(new Uint8Array(der), bounds);
  const { bytes } = reader;
  const outer = reader.enter(TAG.SEQUENCE);
  const tbsFrom = reader.pos;
  const tbs = reader.enter(TAG.SEQUENCE);
  if (reader.smallInteger() !== 0) throw new PkiError('csr_malformed', 'not version 1', reader.from);
  const subject = readName(reader);
  const spki = readPublicKeyInfo(reader);
  const attributes = readAttributes(reader);
  reader.leave(tbs);
  const tbsTo = reader.pos;
  const signatureAlgorithm = readAlgorithm(reader);
  reader.bitOctets();
  const signature = reader.content();
  reader.leave(outer);
  reader.finish();
  return {
    der: bytes,
    tbs: bytes.subarray(tbsFrom, tbsTo),
    subject,
    spki,
    attributes,
    requestedExtensions: requestedExtensions(attributes),
    challengePassword: challengePassword(attributes),
    signatureAlgorithm,
    signature,
  };
}

/** The order of attributes is not checked although it is a SET OF: Go's encoder does not sort, and nothing rests on it. */
function readAttributes(reader: DerReader): CsrAttribute[] {
  const outer = reader.enter(0xa0);
  const attributes: CsrAttribute[] = [];
  while (!reader.done) {
    const inner = reader.enter(TAG.SEQUENCE);
    const type = reader.oidText();
    if (attributes.some((attribute) => attribute.type === type)) {
      throw new PkiError('csr_malformed', `attribute ${type} twice`, reader.from);
    }
    if (attributes.length >= MAX_ATTRIBUTES) throw new PkiError('csr_malformed', 'too many attributes', reader.from);
    const set = reader.enter(TAG.SET);
    const values: Uint8Array[] = [];
    while (!reader.done) values.push(reader.anyDer());
    if (values.length === 0) throw new PkiError('csr_malformed', 'an attribute without a value', reader.pos);
    reader.leave(set);
    reader.leave(inner);
    attributes.push({ type, values });
  }
  reader.leave(outer);
  return attributes;
}

function onlyValue(attributes: readonly CsrAttribute[], type: string): Uint8Array | undefined {
  const attribute = attributes.find((candidate) => candidate.type === type);
  if (attribute !== undefined && attribute.values.length !== 1) {
    throw new PkiError('csr_malformed', `attribute ${type} with more than one value`);
  }
  return attribute?.values[0];
}

function requestedExtensions(attributes: readonly CsrAttribute[]): RequestedExtensions {
  const value = onlyValue(attributes, OID.extensionRequest);
  let extensions = DecodedExtensions.none;
  if (value !== undefined) {
    const reader = new DerReader(value);
    extensions = new DecodedExtensions(reader);
    reader.finish();
  }
  return {
    list: extensions.list,
    subjectAltName: extensions.get(EXT.subjectAltName) as readonly GeneralName[] | undefined,
    keyUsage: extensions.get(EXT.keyUsage) as KeyUsage | undefined,
    extendedKeyUsage: extensions.get(EXT.extendedKeyUsage) as readonly string[] | undefined,
    basicConstraints: extensions.get(EXT.basicConstraints) as BasicConstraints | undefined,
    tlsFeature: extensions.get(EXT.tlsFeature) as readonly number[] | undefined,
  };
}

function challengePassword(attributes: readonly CsrAttribute[]): string | undefined {
  const value = onlyValue(attributes, OID.challengePassword);
  if (value === undefined) return undefined;
  const reader = new DerReader(value);
  reader.any();
  const text = decodeString(reader.bytes, reader.tag, reader.from, reader.to);
  reader.finish();
  return text;
}

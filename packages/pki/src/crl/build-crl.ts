import { PkiError } from '../errors.ts';
import { concatOctets, fromHex } from '../der/octets.ts';
import { TAG } from '../der/tags.ts';
import { MAX_TIME_OCTETS, writeTime } from '../der/time.ts';
import {
  bitString,
  constructed,
  enumerated,
  explicit,
  generalizedTime,
  integer,
  lengthOctets,
  sequence,
  time,
  writeHeader,
} from '../der/writer.ts';
import type { Signer } from '../keys/crypto.ts';
import { schemeAlgorithm } from '../keys/scheme.ts';
import type { SignatureScheme } from '../keys/scheme.ts';
import { assembleSigned } from '../x509/build-certificate.ts';
import { encodeExtension } from '../x509/build-extensions.ts';
import { encodeGeneralNames } from '../x509/build-general-name.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import type { GeneralName } from '../x509/general-name.ts';
import type { Name } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import { CRL_REASONS } from './reasons.ts';
import type { CrlReason } from './reasons.ts';

/** One revoked certificate. */
export interface CrlEntryTemplate {
  /** Unsigned magnitude, or hexadecimal. */
  readonly serialNumber: Uint8Array | string;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly revocationDate: number;
  /** `unspecified` is left out, as RFC 5280 section 5.3.1 asks. */
  readonly reason?: CrlReason | undefined;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly invalidityDate?: number | undefined;
  /** Issuer of this certificate and those after it, in an indirect CRL. */
  readonly certificateIssuer?: readonly GeneralName[] | undefined;
}

/** What a CRL will say. */
export interface CrlTemplate {
  readonly issuer: Name;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch, cut to seconds. */
  readonly nextUpdate: number;
  readonly entries: Iterable<CrlEntryTemplate>;
  /** At least the CRL number and the authority key identifier (RFC 5280 section 5.2). */
  readonly extensions: readonly Extension[];
}

/** CRLNumber (RFC 5280 section 5.2.3): 0 or more, at most 20 octets. */
export function crlNumber(value: number | bigint): Extension {
  return { oid: OID.crlNumber, critical: false, value: crlNumberValue(value) };
}

/** DeltaCRLIndicator (RFC 5280 section 5.2.4), critical: the number of the complete CRL that the list adds to. */
export function deltaCrlIndicator(baseCrlNumber: number | bigint): Extension {
  return { oid: OID.deltaCrlIndicator, critical: true, value: crlNumberValue(baseCrlNumber) };
}

function crlNumberValue(value: number | bigint): Uint8Array {
  const encoded = integer(value);
  if (value < 0 || encoded.length > 22) throw new PkiError('argument', 'CRL number');
  return encoded;
}

/** Encodes the signed part (TBSCertList, RFC 5280 section 5.1.2), version 2. */
export function buildCrlTbs(template: CrlTemplate, scheme: SignatureScheme): Uint8Array {
  const { out, from, to } = encodeTbs(template, scheme);
  return out.subarray(from, to);
}

/**
 * Builds and signs a CRL (RFC 5280 section 5).
 *
 * @returns the DER encoding
 * @example
 * const der = await buildCrl({ issuer, thisUpdate, nextUpdate, entries, extensions: [crlNumber(7n), authorityKeyId(keyId)] }, signer);
 */
export async function buildCrl(template: CrlTemplate, signer: Signer): Promise<Uint8Array> {
  const { out, from, to } = encodeTbs(template, signer.scheme);
  const tbs = out.subarray(from, to);
  const signature = await signer.sign(tbs);
  if (to + SIGNATURE_ROOM > out.length || signature.length + 128 > SIGNATURE_ROOM) {
    return assembleSigned(tbs, signer.scheme, signature);
  }
  // There is room around the signed part for the rest: a long list is not copied once more.
  const tail = concatOctets([schemeAlgorithm(signer.scheme).der, bitString(signature)]);
  out.set(tail, to);
  const start = headerBefore(out, from, TAG.SEQUENCE, to - from + tail.length);
  return out.subarray(start, to + tail.length);
}

/** Room for the largest algorithm identifier and signature in use (ML-DSA-87: 4,627 octets). */
const SIGNATURE_ROOM = 5120;
/** A tag and the longest length that is written. */
const HEADER_ROOM = 6;
/** An entry with a serial number of 20 octets and a reason. */
const USUAL_ENTRY_OCTETS = 56;

/**
 * Everything is written into one buffer, with room for what comes before and behind: making an array for each of a
 * hundred thousand entries, or copying the list at every level, would take longer than signing.
 */
function encodeTbs(template: CrlTemplate, scheme: SignatureScheme): { out: Uint8Array; from: number; to: number } {
  if (!(template.thisUpdate <= template.nextUpdate)) throw new PkiError('argument', 'nextUpdate before thisUpdate');
  const before = concatOctets([
    integer(1),
    schemeAlgorithm(scheme).der,
    template.issuer.der,
    time(template.thisUpdate),
    time(template.nextUpdate),
  ]);
  const behind =
    template.extensions.length === 0
      ? new Uint8Array(0)
      : explicit(0, constructed(TAG.SEQUENCE, template.extensions.map(encodeExtension)));
  const frontRoom = 3 * HEADER_ROOM + before.length;
  const { out, at } = encodeEntries(template.entries, frontRoom, behind.length + SIGNATURE_ROOM);
  out.set(behind, at);
  const to = at + behind.length;
  let from = frontRoom;
  if (at > frontRoom) from = headerBefore(out, from, TAG.SEQUENCE, at - frontRoom);
  from -= before.length;
  out.set(before, from);
  return { out, from: headerBefore(out, from, TAG.SEQUENCE, to - from), to };
}

/** Writes tag and length so that they end at `at`; returns where they start. */
function headerBefore(out: Uint8Array, at: number, tag: number, length: number): number {
  const start = at - 1 - lengthOctets(length);
  writeHeader(out, start, tag, length);
  return start;
}

/** Writes the entries behind `frontRoom` octets; there are `backRoom` octets left behind the last. */
function encodeEntries(
  entries: Iterable<CrlEntryTemplate>,
  frontRoom: number,
  backRoom: number,
): { out: Uint8Array; at: number } {
  const expected = Array.isArray(entries) ? entries.length : 0;
  // Memory that is not written to is not taken up, so there may be too much.
  let out = new Uint8Array(frontRoom + (expected + 16) * USUAL_ENTRY_OCTETS + backRoom);
  let at = frontRoom;
  const date = new Uint8Array(MAX_TIME_OCTETS);
  let dateLength = 0;
  let dateSecond = Number.NaN;
  for (const entry of entries) {
    const second = Math.floor(entry.revocationDate / 1000);
    if (second !== dateSecond) {
      dateSecond = second;
      dateLength = writeTime(date, 0, entry.revocationDate);
    }
    const serial = typeof entry.serialNumber === 'string' ? fromHex(entry.serialNumber) : entry.serialNumber;
    let from = 0;
    while (from < serial.length - 1 && serial[from] === 0) from++;
    const pad = serial.length === 0 || (serial[from] as number) >= 0x80 ? 1 : 0;
    const serialLength = serial.length - from + pad;
    const extensions = entryExtensions(entry);
    const length = 1 + lengthOctets(serialLength) + serialLength + dateLength + extensions.length;
    const end = at + HEADER_ROOM + length + backRoom;
    if (end > out.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(out.subarray(0, at));
      out = larger;
    }
    at = writeHeader(out, at, TAG.SEQUENCE, length);
    at = writeHeader(out, at, TAG.INTEGER, serialLength);
    if (pad === 1) out[at++] = 0;
    for (let i = from; i < serial.length; i++) out[at++] = serial[i] as number;
    for (let i = 0; i < dateLength; i++) out[at++] = date[i] as number;
    for (let i = 0; i < extensions.length; i++) out[at++] = extensions[i] as number;
  }
  return { out, at };
}

const NO_EXTENSIONS = new Uint8Array(0);

const reasonOnly = new Map<CrlReason, Uint8Array>();

function entryExtensions(entry: CrlEntryTemplate): Uint8Array {
  const reason = entry.reason === 'unspecified' ? undefined : entry.reason;
  if (entry.invalidityDate === undefined && entry.certificateIssuer === undefined) {
    if (reason === undefined) return NO_EXTENSIONS;
    let encoded = reasonOnly.get(reason);
    if (encoded === undefined) {
      encoded = sequence(reasonExtension(reason));
      reasonOnly.set(reason, encoded);
    }
    return encoded;
  }
  return sequence(
    reason === undefined ? undefined : reasonExtension(reason),
    entry.invalidityDate === undefined
      ? undefined
      : encodeExtension({ oid: OID.invalidityDate, critical: false, value: generalizedTime(entry.invalidityDate) }),
    entry.certificateIssuer === undefined
      ? undefined
      : encodeExtension({
          oid: OID.certificateIssuer,
          critical: true,
          value: encodeGeneralNames(entry.certificateIssuer),
        }),
  );
}

function reasonExtension(reason: CrlReason): Uint8Array {
  return encodeExtension({ oid: OID.crlReason, critical: false, value: enumerated(CRL_REASONS[reason]) });
}

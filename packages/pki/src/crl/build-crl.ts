import { PkiError } from '../errors.ts';
import { concatOctets } from '../der/octets.ts';
import { TAG } from '../der/tags.ts';
import { bitString, constructed, explicit, integer, lengthOctets, time, writeHeader } from '../der/writer.ts';
import type { Signer } from '../keys/crypto.ts';
import { schemeAlgorithm } from '../keys/scheme.ts';
import type { SignatureScheme } from '../keys/scheme.ts';
import { assembleSigned } from '../x509/build-certificate.ts';
import { encodeExtension } from '../x509/build-extensions.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import type { GeneralName } from '../x509/general-name.ts';
import type { Name } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import { CrlEntryWriter, HEADER_ROOM } from './entry-writer.ts';
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
  const builder = new CrlBuilder(template, scheme, expectedOf(template.entries));
  builder.addAll(template.entries);
  const { out, from, to } = builder.encodeTbs();
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
  const builder = new CrlBuilder(template, signer.scheme, expectedOf(template.entries));
  builder.addAll(template.entries);
  return builder.sign(signer);
}

function expectedOf(entries: Iterable<CrlEntryTemplate>): number {
  return Array.isArray(entries) ? entries.length : 0;
}

/** Room for the largest algorithm identifier and signature in use (ML-DSA-87: 4,627 octets). */
const SIGNATURE_ROOM = 5120;

/**
 * A CRL whose entries come bit by bit, so that a long list needs neither all of them in memory nor all of the time at once. Everything is
 * written into one buffer, with room for what comes before and behind: an array for each of a hundred thousand entries, or a copy of the
 * list at every level, would take longer than signing.
 *
 * @example
 * const builder = new CrlBuilder({ issuer, thisUpdate, nextUpdate, extensions }, signer.scheme);
 * for await (const page of pages) builder.addAll(page);
 * const der = await builder.sign(signer);
 */
export class CrlBuilder {
  readonly #scheme: SignatureScheme;
  readonly #before: Uint8Array;
  readonly #behind: Uint8Array;
  readonly #entries: CrlEntryWriter;

  /**
   * @param expectedEntries about how many there will be: with it memory is taken once
   * @throws PkiError `argument` when nextUpdate is before thisUpdate
   */
  constructor(template: Omit<CrlTemplate, 'entries'>, scheme: SignatureScheme, expectedEntries = 0) {
    if (!(template.thisUpdate <= template.nextUpdate)) throw new PkiError('argument', 'nextUpdate before thisUpdate');
    this.#scheme = scheme;
    this.#before = concatOctets([
      integer(1),
      schemeAlgorithm(scheme).der,
      template.issuer.der,
      time(template.thisUpdate),
      time(template.nextUpdate),
    ]);
    this.#behind =
      template.extensions.length === 0
        ? new Uint8Array(0)
        : explicit(0, constructed(TAG.SEQUENCE, template.extensions.map(encodeExtension)));
    const frontRoom = 3 * HEADER_ROOM + this.#before.length;
    this.#entries = new CrlEntryWriter(frontRoom, this.#behind.length + SIGNATURE_ROOM, expectedEntries);
  }

  /** How many entries there are so far. */
  get entryCount(): number {
    return this.#entries.count;
  }

  /** Adds one revoked certificate. */
  add(entry: CrlEntryTemplate): void {
    this.#entries.add(entry);
  }

  /** Adds revoked certificates. */
  addAll(entries: Iterable<CrlEntryTemplate>): void {
    for (const entry of entries) this.#entries.add(entry);
  }

  /** Encodes the signed part in place: octets `from` to `to` of `out`. To be called once, at the end. */
  encodeTbs(): { out: Uint8Array; from: number; to: number } {
    const { out, at, frontRoom } = this.#entries;
    out.set(this.#behind, at);
    const to = at + this.#behind.length;
    let from = frontRoom;
    // Section 5.1.2.6: without revoked certificates the list is absent.
    if (at > frontRoom) from = headerBefore(out, from, TAG.SEQUENCE, at - frontRoom);
    from -= this.#before.length;
    out.set(this.#before, from);
    return { out, from: headerBefore(out, from, TAG.SEQUENCE, to - from), to };
  }

  /** Signs the list; to be called once, at the end. Returns the DER encoding. */
  async sign(signer: Signer): Promise<Uint8Array> {
    const { out, from, to } = this.encodeTbs();
    const tbs = out.subarray(from, to);
    const signature = await signer.sign(tbs);
    if (to + SIGNATURE_ROOM > out.length || signature.length + 128 > SIGNATURE_ROOM) {
      return assembleSigned(tbs, this.#scheme, signature);
    }
    // There is room around the signed part for the rest: a long list is not copied once more.
    const tail = concatOctets([schemeAlgorithm(this.#scheme).der, bitString(signature)]);
    out.set(tail, to);
    const start = headerBefore(out, from, TAG.SEQUENCE, to - from + tail.length);
    return out.subarray(start, to + tail.length);
  }
}

/** Writes tag and length so that they end at `at`; returns where they start. */
function headerBefore(out: Uint8Array, at: number, tag: number, length: number): number {
  const start = at - 1 - lengthOctets(length);
  writeHeader(out, start, tag, length);
  return start;
}

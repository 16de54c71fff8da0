import { PkiError } from '../errors.ts';
import { toHex } from '../der/octets.ts';
import { DerReader } from '../der/reader.ts';
import type { DerLimits } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { algorithmEquals, readAlgorithm } from '../x509/algorithm.ts';
import type { AlgorithmIdentifier } from '../x509/algorithm.ts';
import { readDistributionPoints } from '../x509/extensions/distribution-points.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { readAuthorityKeyId, readInfoAccess } from '../x509/extensions/identifiers.ts';
import { readExtensionList } from '../x509/extensions/list.ts';
import { readGeneralNames } from '../x509/general-name.ts';
import { nameEquals, readName } from '../x509/name.ts';
import type { Name } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import type { Crl, CrlEntry } from './crl.ts';
import { CHECKED_ENTRIES, CrlEntryCursor, issuerAt } from './entries.ts';
import type { CrlEntryView } from './entries.ts';
import { CrlEntryIndex } from './entry-index.ts';
import { readIssuingDistributionPoint } from './issuing-distribution-point.ts';

const MAX_CRL_BYTES = 1 << 27;

/**
 * Reads a DER-encoded CRL (RFC 5280 section 5), strictly and as a whole: also every entry is checked, none is kept as an
 * object. What is needed beside the octets does not grow with the list.
 *
 * @param der at most 128 MiB unless `limits.maxBytes` says otherwise; not copied, so it must not change afterwards
 * @throws PkiError
 * @example
 * const crl = parseCrl(der);
 * crl.lookup(certificate.serialNumber, certificate.issuer)?.reason
 */
export function parseCrl(der: Uint8Array, limits?: DerLimits): Crl {
  const reader = new DerReader(der, { maxBytes: MAX_CRL_BYTES, ...limits });
  const crl = new DecodedCrl(reader, limits);
  reader.finish();
  return crl;
}

type KnownExtensions = Pick<
  Crl,
  | 'crlNumber'
  | 'deltaCrlIndicator'
  | 'issuingDistributionPoint'
  | 'freshestCrl'
  | 'authorityKeyId'
  | 'issuerAltName'
  | 'authorityInfoAccess'
>;

class DecodedCrl implements Crl {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly version: 1 | 2;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
  readonly entryCount: number;
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly unknownCriticalExtensions: readonly string[];
  readonly crlNumber: KnownExtensions['crlNumber'];
  readonly deltaCrlIndicator: KnownExtensions['deltaCrlIndicator'];
  readonly issuingDistributionPoint: KnownExtensions['issuingDistributionPoint'];
  readonly freshestCrl: KnownExtensions['freshestCrl'];
  readonly authorityKeyId: KnownExtensions['authorityKeyId'];
  readonly issuerAltName: KnownExtensions['issuerAltName'];
  readonly authorityInfoAccess: KnownExtensions['authorityInfoAccess'];
  private readonly entriesFrom: number;
  private readonly entriesTo: number;
  private index: CrlEntryIndex | undefined;

  constructor(reader: DerReader, limits: DerLimits | undefined) {
    const { bytes } = reader;
    this.der = bytes;
    const outer = reader.enter(TAG.SEQUENCE);
    const tbsFrom = reader.pos;
    const tbs = reader.enter(TAG.SEQUENCE);
    this.version = readVersion(reader);
    const inner = readAlgorithm(reader);
    this.issuer = readName(reader);
    this.thisUpdate = reader.time();
    const next = reader.peek();
    this.nextUpdate = next === TAG.UTC_TIME || next === TAG.GENERALIZED_TIME ? reader.time() : undefined;
    const unknown: string[] = [];
    let count = 0;
    let foreignEntries = false;
    this.entriesFrom = reader.pos;
    this.entriesTo = reader.pos;
    if (reader.peek() === TAG.SEQUENCE) {
      const list = reader.enter(TAG.SEQUENCE);
      // Section 5.1.2.6: without revoked certificates the list is absent.
      if (reader.done) throw new PkiError('crl_malformed', 'an empty list of entries', reader.pos);
      this.entriesFrom = reader.pos;
      this.entriesTo = reader.end;
      const cursor = new CrlEntryCursor(reader);
      for (; !reader.done; count++) cursor.read(this.version);
      unknown.push(...cursor.unknownCritical);
      foreignEntries = cursor.issuerAt >= 0;
      reader.leave(list);
    }
    this.entryCount = count;
    if (reader.peek() === 0xa0) {
      if (this.version === 1) throw new PkiError('crl_version', 'extensions need version 2', reader.pos);
      const wrapper = reader.enter(0xa0);
      this.extensions = readExtensionList(reader);
      reader.leave(wrapper);
    } else {
      this.extensions = [];
    }
    reader.leave(tbs);
    const tbsTo = reader.pos;
    this.tbs = bytes.subarray(tbsFrom, tbsTo);
    this.signatureAlgorithm = readAlgorithm(reader);
    if (!algorithmEquals(this.signatureAlgorithm, inner)) throw new PkiError('algorithm_mismatch', undefined, tbsTo);
    reader.bitOctets();
    this.signature = reader.content();
    reader.leave(outer);

    const known: { -readonly [K in keyof KnownExtensions]?: KnownExtensions[K] } = {};
    for (const extension of this.extensions) {
      if (!decodeExtension(extension, known, limits) && extension.critical) unknown.push(extension.oid);
    }
    // Section 5.3.3: only an indirect CRL has entries of other issuers; to skip them elsewhere would admit who is revoked.
    if (foreignEntries && known.issuingDistributionPoint?.indirectCrl !== true) {
      throw new PkiError('crl_malformed', 'certificateIssuer in a CRL that is not indirect');
    }
    this.unknownCriticalExtensions = unknown;
    this.crlNumber = known.crlNumber;
    this.deltaCrlIndicator = known.deltaCrlIndicator;
    this.issuingDistributionPoint = known.issuingDistributionPoint;
    this.freshestCrl = known.freshestCrl;
    this.authorityKeyId = known.authorityKeyId;
    this.issuerAltName = known.issuerAltName;
    this.authorityInfoAccess = known.authorityInfoAccess;
  }

  private entryReader(from: number): DerReader {
    return new DerReader(this.der, CHECKED_ENTRIES, from, this.entriesTo);
  }

  forEachEntry(visit: (entry: CrlEntryView) => boolean | void): void {
    const reader = this.entryReader(this.entriesFrom);
    const cursor = new CrlEntryCursor(reader);
    while (!reader.done) {
      cursor.read(this.version);
      if (visit(cursor) === false) return;
    }
  }

  lookup(serialNumber: Uint8Array, issuer: Name = this.issuer): CrlEntry | undefined {
    this.index ??= new CrlEntryIndex(this.der, this.entriesFrom, this.entriesTo, this.entryCount, this.version);
    const ownIssuer = issuer === this.issuer || nameEquals(issuer, this.issuer);
    for (const offset of this.index.find(serialNumber)) {
      const namesAt = this.index.issuerOf(offset);
      const names = issuerAt(this.der, namesAt);
      const applies =
        names === undefined
          ? ownIssuer
          : names.some((name) => name.type === 'directory' && nameEquals(name.value, issuer));
      if (applies) return this.entryAt(offset, names);
    }
    return undefined;
  }

  private entryAt(offset: number, certificateIssuer: CrlEntry['certificateIssuer']): CrlEntry {
    const cursor = new CrlEntryCursor(this.entryReader(offset));
    cursor.read(this.version);
    const { serialNumber, revocationDate, reason, invalidityDate } = cursor;
    return { serialNumber, revocationDate, reason, invalidityDate, certificateIssuer };
  }
}

function readVersion(reader: DerReader): 1 | 2 {
  if (reader.peek() !== TAG.INTEGER) return 1;
  // The only value that may be spelled out is 1, for version 2.
  if (reader.smallInteger() !== 1) throw new PkiError('crl_version', undefined, reader.from);
  return 2;
}

/** Decodes a known extension into its field; false for one that is not known. */
function decodeExtension(
  extension: Extension,
  known: { -readonly [K in keyof KnownExtensions]?: KnownExtensions[K] },
  limits: DerLimits | undefined,
): boolean {
  const reader = new DerReader(extension.value, limits);
  switch (extension.oid) {
    case OID.crlNumber:
      known.crlNumber = readCrlNumber(reader);
      break;
    case OID.deltaCrlIndicator:
      known.deltaCrlIndicator = readCrlNumber(reader);
      break;
    case OID.issuingDistributionPoint:
      known.issuingDistributionPoint = readIssuingDistributionPoint(reader);
      break;
    case OID.freshestCrl:
      known.freshestCrl = readDistributionPoints(reader, true);
      break;
    case OID.authorityKeyIdentifier:
      known.authorityKeyId = readAuthorityKeyId(reader, true);
      break;
    case OID.issuerAltName:
      known.issuerAltName = readGeneralNames(reader, TAG.SEQUENCE, true);
      break;
    case OID.authorityInfoAccess:
      known.authorityInfoAccess = readInfoAccess(reader, true);
      break;
    default:
      return false;
  }
  reader.finish();
  return true;
}

/** CRLNumber (RFC 5280 section 5.2.3): not negative, at most 20 octets. */
function readCrlNumber(reader: DerReader): bigint {
  reader.integer();
  const { bytes, from, to } = reader;
  if ((bytes[from] as number) >= 0x80 || to - from > 20) throw new PkiError('ext_malformed', 'CRL number', from);
  return BigInt(`0x${toHex(bytes, from, to)}`);
}

import { PkiError } from '../errors.ts';
import { equalRanges } from '../der/octets.ts';
import { oidToText } from '../der/oid.ts';
import { DerReader } from '../der/reader.ts';
import type { DerLimits } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { serialHex } from '../x509/parse-certificate.ts';
import { readGeneralNames } from '../x509/general-name.ts';
import type { GeneralName } from '../x509/general-name.ts';
import { reasonName } from './reasons.ts';
import type { CrlReason } from './reasons.ts';

/** Last arcs of 2.5.29.x for the entry extensions that are known (RFC 5280 section 5.3). */
const REASON_CODE = 21;
const INVALIDITY_DATE = 24;
const CERTIFICATE_ISSUER = 29;

const MAX_UNKNOWN_CRITICAL = 16;

/** For reading entries again: they were checked under the limits of the first reading. */
export const CHECKED_ENTRIES: DerLimits = {
  maxBytes: Number.MAX_SAFE_INTEGER,
  anyTimeForm: true,
};

/**
 * One entry of a CRL while it is being visited: the same object for all entries, so copy what must outlive the visit.
 * {@link CrlEntryView.serialFrom} and `serialTo` are the range of the serial number's content octets in `bytes`.
 */
export interface CrlEntryView {
  readonly bytes: Uint8Array;
  readonly serialFrom: number;
  readonly serialTo: number;
  /** Milliseconds since the epoch. */
  readonly revocationDate: number;
  /** RFC 5280 section 5.3.1; 0 (unspecified) where the entry gives none. */
  readonly reasonCode: number;
  /** Milliseconds since the epoch. */
  readonly invalidityDate: number | undefined;
  /** Content octets of the serial number; a view, made for each call. */
  readonly serialNumber: Uint8Array;
  /** As `serialHex` of a certificate. */
  readonly serialHex: string;
  readonly reason: CrlReason;
  /** The issuer of the certificate in an indirect CRL, carried over from earlier entries (RFC 5280 section 5.3.3); `undefined`: the CRL's own issuer. */
  readonly certificateIssuer: readonly GeneralName[] | undefined;
}

/** Reads entries one after the other without making objects. */
export class CrlEntryCursor implements CrlEntryView {
  serialFrom = 0;
  serialTo = 0;
  revocationDate = 0;
  reasonCode = 0;
  invalidityDate: number | undefined;
  /** Offset of the GeneralNames that apply to the entry, -1 when the CRL's issuer does. */
  issuerAt = -1;
  /** Identifiers of critical entry extensions that are not known. */
  readonly unknownCritical: string[] = [];
  private readonly reader: DerReader;

  constructor(reader: DerReader) {
    this.reader = reader;
  }

  get bytes(): Uint8Array {
    return this.reader.bytes;
  }
  get serialNumber(): Uint8Array {
    return this.reader.bytes.subarray(this.serialFrom, this.serialTo);
  }
  get serialHex(): string {
    return serialHex(this.reader.bytes, this.serialFrom, this.serialTo);
  }
  get reason(): CrlReason {
    return reasonName(this.reasonCode) ?? 'unspecified';
  }
  get certificateIssuer(): readonly GeneralName[] | undefined {
    return issuerAt(this.reader.bytes, this.issuerAt);
  }

  /** Reads the entry at the reader's cursor, checking all of it. */
  read(version: 1 | 2): void {
    const reader = this.reader;
    const outer = reader.enter(TAG.SEQUENCE);
    reader.integer();
    this.serialFrom = reader.from;
    this.serialTo = reader.to;
    this.revocationDate = reader.time();
    this.reasonCode = 0;
    this.invalidityDate = undefined;
    if (!reader.done) {
      if (version === 1) throw new PkiError('crl_version', 'entry extensions need version 2', reader.pos);
      this.readExtensions();
    }
    reader.leave(outer);
  }

  private readExtensions(): void {
    const reader = this.reader;
    const outer = reader.enter(TAG.SEQUENCE);
    if (reader.done) throw new PkiError('ext_malformed', 'no extension at all', reader.pos);
    const first = reader.pos;
    let seen = 0;
    do {
      const start = reader.pos;
      const inner = reader.enter(TAG.SEQUENCE);
      reader.oid();
      const { from, to } = reader;
      const arc =
        to - from === 3 && reader.bytes[from] === 0x55 && reader.bytes[from + 1] === 0x1d ? reader.bytes[from + 2] : -1;
      const critical = reader.booleanDefaultFalse();
      reader.expect(TAG.OCTET_STRING);
      const end = reader.to;
      const bit = arc === REASON_CODE ? 1 : arc === INVALIDITY_DATE ? 2 : arc === CERTIFICATE_ISSUER ? 4 : 0;
      if (bit === 0) {
        reader.pos = end;
        if (start !== first) refuseTwice(reader.bytes, first, start, from, to);
        if (critical) this.noteUnknown(oidToText(reader.bytes, from, to));
      } else {
        if ((seen & bit) !== 0) throw new PkiError('ext_duplicate', oidToText(reader.bytes, from, to), from);
        seen |= bit;
        const value = reader.enterHere();
        this.readKnown(bit);
        reader.leave(value);
      }
      reader.leave(inner);
    } while (!reader.done);
    reader.leave(outer);
  }

  private readKnown(bit: number): void {
    const reader = this.reader;
    if (bit === 1) {
      const code = reader.smallInteger(TAG.ENUMERATED);
      if (reasonName(code) === undefined) throw new PkiError('ext_malformed', `reason code ${code}`, reader.from);
      this.reasonCode = code;
    } else if (bit === 2) {
      this.invalidityDate = reader.generalizedTime();
    } else {
      this.issuerAt = reader.pos;
      const names = readGeneralNames(reader, TAG.SEQUENCE, true);
      // Section 5.3.3: the issuer's name as it stands in the certificate; without it the entry would apply to nobody.
      if (!names.some(({ type }) => type === 'directory')) {
        throw new PkiError('ext_malformed', 'certificateIssuer without a directory name', this.issuerAt);
      }
    }
  }

  private noteUnknown(oid: string): void {
    if (this.unknownCritical.length < MAX_UNKNOWN_CRITICAL && !this.unknownCritical.includes(oid)) {
      this.unknownCritical.push(oid);
    }
  }
}

/** Entries have a handful of extensions at most, so an unknown one is looked for among those read before. */
function refuseTwice(bytes: Uint8Array, first: number, start: number, from: number, to: number): void {
  const reader = new DerReader(bytes, CHECKED_ENTRIES, first, start);
  while (!reader.done) {
    const outer = reader.enter(TAG.SEQUENCE);
    reader.oid();
    if (equalRanges(bytes, from, to, bytes, reader.from, reader.to)) {
      throw new PkiError('ext_duplicate', oidToText(bytes, from, to), from);
    }
    reader.pos = reader.end;
    reader.leave(outer);
  }
}

/** Decodes the GeneralNames at an offset that a cursor has checked. */
export function issuerAt(bytes: Uint8Array, offset: number): readonly GeneralName[] | undefined {
  if (offset < 0) return undefined;
  return readGeneralNames(new DerReader(bytes, CHECKED_ENTRIES, offset), TAG.SEQUENCE, true);
}

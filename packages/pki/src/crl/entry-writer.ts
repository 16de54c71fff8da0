import { writeHex } from '../der/octets.ts';
import { TAG } from '../der/tags.ts';
import { MAX_TIME_OCTETS, writeTime } from '../der/time.ts';
import { enumerated, generalizedTime, lengthOctets, sequence, writeHeader } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import { encodeExtension } from '../x509/build-extensions.ts';
import { encodeGeneralNames } from '../x509/build-general-name.ts';
import { OID } from '../x509/oids.ts';
import type { CrlEntryTemplate } from './build-crl.ts';
import { CRL_REASONS } from './reasons.ts';
import type { CrlReason } from './reasons.ts';

/** A tag and the longest length that is written. */
export const HEADER_ROOM = 6;
/** An entry with a serial number of 20 octets and a reason. */
const USUAL_ENTRY_OCTETS = 56;

/** Writes the entries of a CRL one after the other into a buffer with room in front of the first and behind the last. */
export class CrlEntryWriter {
  readonly frontRoom: number;
  readonly #backRoom: number;
  /** Where the next entry begins. */
  at: number;
  out: Uint8Array;
  count = 0;
  // Many entries have the same date: it is encoded once.
  readonly #date = new Uint8Array(MAX_TIME_OCTETS);
  #dateLength = 0;
  #dateSecond = Number.NaN;

  constructor(frontRoom: number, backRoom: number, expected: number) {
    this.frontRoom = frontRoom;
    this.#backRoom = backRoom;
    this.at = frontRoom;
    // Memory that is not written to is not taken up, so there may be too much.
    this.out = new Uint8Array(frontRoom + (expected + 16) * USUAL_ENTRY_OCTETS + backRoom);
  }

  add(entry: CrlEntryTemplate): void {
    const second = Math.floor(entry.revocationDate / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateLength = writeTime(this.#date, 0, entry.revocationDate);
    }
    const date = this.#date;
    const dateLength = this.#dateLength;
    const { serialNumber } = entry;
    const [from, pad, magnitude] = typeof serialNumber === 'string' ? hexExtent(serialNumber) : extent(serialNumber);
    const serialLength = magnitude + pad;
    const extensions = entryExtensions(entry);
    const length = 1 + lengthOctets(serialLength) + serialLength + dateLength + extensions.length;
    const end = this.at + HEADER_ROOM + length + this.#backRoom;
    if (end > this.out.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.out.subarray(0, this.at));
      this.out = larger;
    }
    const { out } = this;
    let at = writeHeader(out, this.at, TAG.SEQUENCE, length);
    at = writeHeader(out, at, TAG.INTEGER, serialLength);
    if (pad === 1) out[at++] = 0;
    // Straight from the digits: an array for each of a million takes longer than the rest.
    if (typeof serialNumber === 'string') writeHex(out, at, serialNumber, from);
    else for (let i = 0; i < magnitude; i++) out[at + i] = serialNumber[from + i] as number;
    at += magnitude;
    for (let i = 0; i < dateLength; i++) out[at++] = date[i] as number;
    for (let i = 0; i < extensions.length; i++) out[at++] = extensions[i] as number;
    this.at = at;
    this.count++;
  }
}

type Extent = readonly [from: number, pad: 0 | 1, octets: number];

/** Where a magnitude begins without needless zeros, whether a zero has to come before a high bit, and how many octets it has. */
function extent(serial: Uint8Array): Extent {
  let from = 0;
  while (from < serial.length - 1 && serial[from] === 0) from++;
  const pad = serial.length === 0 || (serial[from] as number) >= 0x80 ? 1 : 0;
  return [from, pad, serial.length - from];
}

/** The same of hexadecimal digits. */
function hexExtent(serial: string): Extent {
  if (serial.length % 2 !== 0) throw new PkiError('argument', 'not hexadecimal');
  let from = 0;
  while (from < serial.length - 2 && serial.charCodeAt(from) === 0x30 && serial.charCodeAt(from + 1) === 0x30)
    from += 2;
  // The digits from 8 on; what is none is found when it is written.
  const pad = serial.length === 0 || serial.charCodeAt(from) >= 0x38 ? 1 : 0;
  return [from, pad, (serial.length - from) / 2];
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

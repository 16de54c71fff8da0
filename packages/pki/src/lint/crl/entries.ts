import { equalRanges } from '../../der/octets.ts';
import type { Crl } from '../../crl/crl.ts';
import { checkSerial } from '../certificate/basics.ts';
import type { Report } from '../findings.ts';

/** A list with one fault in every entry would otherwise make a finding for each. */
const maxReportsOfOneCode = 10;

/** The entries of a CRL (RFC 5280, sections 5.1.2.6 and 5.3). */
export function lintCrlEntries(crl: Crl, report: Report): void {
  const counts = new Map<string, number>();
  const bounded: Report = (code, detail) => {
    const count = (counts.get(code) ?? 0) + 1;
    counts.set(code, count);
    if (count <= maxReportsOfOneCode) report(code, detail);
  };
  const seen = new SeenSerials(crl.entryCount);
  const delta = crl.deltaCrlIndicator !== undefined;
  const indirect = crl.issuingDistributionPoint?.indirectCrl === true;
  crl.forEachEntry((entry) => {
    if (checkSerial(entry.serialNumber) !== 'good') bounded('crl_entry_serial', entry.serialHex);
    // The same number may occur once for each issuer of an indirect list.
    if (!indirect && seen.hasOrAdd(entry.bytes, entry.serialFrom, entry.serialTo)) {
      bounded('crl_entry_twice', entry.serialHex);
    }
    if (entry.revocationDate > crl.thisUpdate) bounded('crl_entry_future', entry.serialHex);
    if (entry.reason === 'removeFromCRL' && !delta) bounded('crl_entry_remove', entry.serialHex);
  });
}

/** Serial numbers by where they stand in the list: eight octets an entry, whatever their length. */
class SeenSerials {
  private readonly mask: number;
  /** Two places each: where the number begins and ends; a beginning is never 0. */
  private readonly places: Uint32Array;

  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(2 * count + 2));
    this.mask = size - 1;
    this.places = new Uint32Array(2 * size);
  }

  hasOrAdd(bytes: Uint8Array, from: number, to: number): boolean {
    let hash = 0x811c9dc5;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
    for (let slot = (hash ^ (hash >>> 15)) & this.mask; ; slot = (slot + 1) & this.mask) {
      const begin = this.places[2 * slot] ?? 0;
      if (begin === 0) {
        this.places[2 * slot] = from;
        this.places[2 * slot + 1] = to;
        return false;
      }
      if (equalRanges(bytes, begin, this.places[2 * slot + 1] ?? 0, bytes, from, to)) return true;
    }
  }
}

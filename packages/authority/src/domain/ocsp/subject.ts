import { fromHex, toHex } from '@countersign/pki';

/** A certificate that is asked about: its issuer (hash of the key) and serial number, as the store has them. */
export interface Subject {
  readonly issuer: string;
  readonly serial: string;
}

/** A certificate's place in tables. */
export function subjectKey({ issuer, serial }: Subject): string {
  return `${issuer}/${serial}`;
}

/**
 * The serial number of a CertID as the store has it; undefined for octets that are no INTEGER of ours: empty, negative, with needless
 * zeros. Such a number is nobody's, and must not be taken for the one that it resembles.
 */
export function serialOf(octets: Uint8Array): string | undefined {
  const [first, second = 0] = octets;
  if (first === undefined || first >= 0x80 || (first === 0 && second < 0x80)) return undefined;
  return toHex(first === 0 ? octets.subarray(1) : octets);
}

/** The content octets of a serial number's INTEGER. */
export function serialOctets(serial: string): Uint8Array {
  const octets = fromHex(serial);
  return (octets[0] ?? 0) < 0x80 ? octets : Uint8Array.of(0, ...octets);
}

// Certificates of files that the command line names, each PEM or DER.
import {
  type Certificate,
  type Crl,
  type DerLimits,
  DerReader,
  parseCertificate,
  parseCrl,
  pemDecode,
  PkiError,
  TAG,
} from '@countersign/pki';
import { readUserBytes } from '../admin/target.ts';
import { CliFailure } from '../failure.ts';

/** The certificates of a file as DER, in its order. @throws CliFailure (exit 2) when it holds none. */
export function readCertificates(path: string): readonly Uint8Array[] {
  const bytes = readUserBytes(path);
  const found = bytes[0] === 0x30 ? [new Uint8Array(bytes)] : pemBlocks(path, bytes, 'CERTIFICATE');
  if (found.length > 0) return found;
  throw unreadable(path, 'there is no certificate in it');
}

/** What was found in files: what can be used, and a line for each that can't. */
export interface Found<T> {
  readonly usable: readonly T[];
  readonly unusable: readonly string[];
}

/**
 * The certificates of several files. A malformed one among them can be neither an anchor nor an issuer; the others can.
 *
 * @throws CliFailure (exit 2) that names the file that holds none, or octets that are cut off or no DER
 */
export function parseCertificates(paths: readonly string[], options?: DerLimits): Found<Certificate> {
  return parseAll(paths, readCertificates, (der) => parseCertificate(der, options));
}

/**
 * The CRLs of several files. A malformed one covers nothing; the others do.
 *
 * @throws CliFailure (exit 2) that names the file that holds none, or octets that are cut off or no DER
 */
export function parseCrls(paths: readonly string[], options?: DerLimits): Found<Crl> {
  return parseAll(paths, readCrls, (der) => parseCrl(der, options));
}

function readCrls(path: string): readonly Uint8Array[] {
  const bytes = readUserBytes(path);
  const found = bytes[0] === 0x30 ? [new Uint8Array(bytes)] : pemBlocks(path, bytes, 'X509 CRL');
  if (found.length > 0) return found;
  throw unreadable(path, 'there is no CRL in it');
}

function parseAll<T>(
  paths: readonly string[],
  read: (path: string) => readonly Uint8Array[],
  parse: (der: Uint8Array) => T,
): Found<T> {
  const usable: T[] = [];
  const unusable: string[] = [];
  for (const path of paths) {
    for (const der of read(path)) {
      try {
        usable.push(parse(der));
      } catch (error) {
        if (!(error instanceof PkiError)) throw error;
        if (!isSequence(der)) throw unreadable(path, error.message);
        unusable.push(`${path}: ${error.message}`);
      }
    }
  }
  return { usable, unusable };
}

/** Whether the octets are one SEQUENCE: what is not is a broken file, what is may be a broken certificate. */
function isSequence(octets: Uint8Array): boolean {
  try {
    const reader = new DerReader(octets, { maxBytes: octets.length });
    reader.element(TAG.SEQUENCE);
    reader.finish();
    return true;
  } catch {
    return false;
  }
}

/** A file that can be read but is not what was asked for. */
export function unreadable(path: string, why: string): CliFailure {
  return new CliFailure({ code: 'file_unreadable', message: `${path} can't be used: ${why}`, exit: 2 });
}

function pemBlocks(path: string, bytes: Uint8Array, wanted: string): readonly Uint8Array[] {
  try {
    return pemDecode(bytes)
      .filter(({ label }) => label === wanted)
      .map(({ der }) => der);
  } catch (error) {
    if (error instanceof PkiError) throw unreadable(path, error.message);
    throw error;
  }
}

// Certificates of files that the command line names, each PEM or DER.
import { type Certificate, type Crl, parseCertificate, parseCrl, pemDecode, PkiError } from '@countersign/pki';
import { readUserBytes } from '../admin/target.ts';
import { CliFailure } from '../failure.ts';

/** The certificates of a file as DER, in its order. @throws CliFailure (exit 2) when it holds none. */
export function readCertificates(path: string): readonly Uint8Array[] {
  const bytes = readUserBytes(path);
  const found = bytes[0] === 0x30 ? [new Uint8Array(bytes)] : pemCertificates(path, bytes);
  if (found.length > 0) return found;
  throw unreadable(path, 'there is no certificate in it');
}

/** The certificates of several files, parsed. @throws CliFailure (exit 2) that names the file of a malformed one. */
export function parseCertificates(paths: readonly string[]): readonly Certificate[] {
  return paths.flatMap((path) =>
    readCertificates(path).map((der) => {
      try {
        return parseCertificate(der);
      } catch (error) {
        if (error instanceof PkiError) throw unreadable(path, error.message);
        throw error;
      }
    }),
  );
}

/** The CRLs of several files, parsed. @throws CliFailure (exit 2) that names the file of a malformed one, or of none. */
export function parseCrls(paths: readonly string[]): readonly Crl[] {
  return paths.flatMap((path) => {
    const bytes = readUserBytes(path);
    try {
      const ders = bytes[0] === 0x30 ? [new Uint8Array(bytes)] : blocks(bytes, 'X509 CRL');
      if (ders.length > 0) return ders.map((der) => parseCrl(der));
    } catch (error) {
      if (error instanceof PkiError) throw unreadable(path, error.message);
      throw error;
    }
    throw unreadable(path, 'there is no CRL in it');
  });
}

/** A file that can be read but is not what was asked for. */
export function unreadable(path: string, why: string): CliFailure {
  return new CliFailure({ code: 'file_unreadable', message: `${path} can't be used: ${why}`, exit: 2 });
}

function pemCertificates(path: string, bytes: Buffer): readonly Uint8Array[] {
  try {
    return blocks(bytes, 'CERTIFICATE');
  } catch (error) {
    if (error instanceof PkiError) throw unreadable(path, error.message);
    throw error;
  }
}

function blocks(bytes: Uint8Array, wanted: string): readonly Uint8Array[] {
  return pemDecode(bytes)
    .filter(({ label }) => label === wanted)
    .map(({ der }) => der);
}

// Certificates of files that the command line names, each PEM, DER or PKCS#7.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Certificate,
  type Crl,
  parseCertificate,
  parseCertsOnly,
  parseCrl,
  pemDecode,
  pemLabelAdvice,
  PkiError,
  TRUSTED_CERTIFICATE,
} from '@countersign/pki';
import { readUserBytes } from '../admin/target.ts';
import { CliFailure } from '../failure.ts';

/** The certificates of a file as DER, in its order. @throws CliFailure (exit 2) when it holds none. */
export function readCertificates(path: string): readonly Uint8Array[] {
  const bytes = readUserBytes(path);
  const found = bytes[0] === 0x30 ? derCertificates(new Uint8Array(bytes)) : pemCertificates(path, bytes);
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

/** Told of what cannot be read and so cannot help: the file, and what is wrong with it. */
export type OnMalformed = (path: string, why: string) => void;

/**
 * The certificates of several files and folders that are well-formed: what nobody can read is on no path.
 *
 * @throws CliFailure (exit 2) for a file that can't be read or holds no certificate; those of a folder are passed over.
 */
export function wellFormedCertificates(paths: readonly string[], onMalformed: OnMalformed): readonly Certificate[] {
  return paths
    .flatMap((path) =>
      isFolder(path) ? certificatesIn(path, onMalformed) : readCertificates(path).map((der) => ({ path, der })),
    )
    .flatMap(({ path, der }) => unlessMalformed(path, () => parseCertificate(der), onMalformed));
}

/** The CRLs of several files that are well-formed. @throws CliFailure (exit 2) for a file that can't be read or holds no CRL. */
export function wellFormedCrls(paths: readonly string[], onMalformed: OnMalformed): readonly Crl[] {
  return paths.flatMap((path) => {
    const bytes = readUserBytes(path);
    const ders = bytes[0] === 0x30 ? [new Uint8Array(bytes)] : pemBlocks(path, bytes, ['X509 CRL']);
    if (ders.length === 0) throw unreadable(path, 'there is no CRL in it');
    return ders.flatMap((der) => unlessMalformed(path, () => parseCrl(der), onMalformed));
  });
}

function unlessMalformed<T>(path: string, read: () => T, onMalformed: OnMalformed): readonly T[] {
  try {
    return [read()];
  } catch (error) {
    if (!(error instanceof PkiError)) throw error;
    onMalformed(path, error.message);
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Those of each file of a folder that holds any; keys and notes may lie beside them. */
function certificatesIn(
  folder: string,
  onMalformed: OnMalformed,
): readonly { readonly path: string; readonly der: Uint8Array }[] {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const names = files.map(({ name }) => join(folder, name)).toSorted();
  return names.flatMap((path) => {
    try {
      return readCertificates(path).map((der) => ({ path, der }));
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      if (error.message.includes(TRUSTED_CERTIFICATE)) onMalformed(path, error.message);
      return [];
    }
  });
}

/** A file that can be read but is not what was asked for. */
export function unreadable(path: string, why: string): CliFailure {
  return new CliFailure({ code: 'file_unreadable', message: `${path} can't be used: ${why}`, exit: 2 });
}

/** A certificate, or a PKCS#7 file of them. */
function derCertificates(der: Uint8Array): readonly Uint8Array[] {
  try {
    return parseCertsOnly(der).certificates;
  } catch (error) {
    if (error instanceof PkiError) return [der];
    throw error;
  }
}

function pemCertificates(path: string, bytes: Buffer): readonly Uint8Array[] {
  const labels = ['CERTIFICATE', 'X509 CERTIFICATE', 'PKCS7', 'CMS'];
  return pemBlocks(path, bytes, labels).flatMap(derCertificates);
}

function pemBlocks(path: string, bytes: Uint8Array, wanted: readonly string[]): readonly Uint8Array[] {
  try {
    const blocks = pemDecode(bytes);
    // To pass over it would be to judge by less than what was given, to take a part of it by more.
    const other = wanted.includes('CERTIFICATE') && blocks.find(({ label }) => label === TRUSTED_CERTIFICATE);
    if (typeof other === 'object') throw unreadable(path, `a ${other.label} is ${pemLabelAdvice(other.label) ?? ''}`);
    return blocks.filter(({ label }) => wanted.includes(label)).map(({ der }) => der);
  } catch (error) {
    if (error instanceof PkiError) throw unreadable(path, error.message);
    throw error;
  }
}

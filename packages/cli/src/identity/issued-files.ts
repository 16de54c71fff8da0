// Which files on this machine hold a certificate that the authority knows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { CertificateRecord } from '@countersign/protocol';
import type { DataFolder } from '../data/folder.ts';

/**
 * The files in DATA/clients and DATA/servers whose first certificate is this very one (by its SHA-256).
 *
 * @returns absolute paths: the certificate, and its key where that lies beside it; empty when the files are elsewhere.
 */
export function issuedFiles(
  folder: DataFolder,
  record: Pick<CertificateRecord, 'name' | 'fingerprintSha256'>,
): readonly string[] {
  for (const place of [folder.clients, folder.servers]) {
    const cert = join(place, `${record.name}.crt`);
    const pem = readText(cert);
    if (pem === undefined || fingerprintOf(pem) !== record.fingerprintSha256) continue;
    const key = join(place, `${record.name}.key`);
    return readText(key) === undefined ? [cert] : [cert, key];
  }
  return [];
}

// The files are our own: PEM that `issue` wrote, leaf first.
function fingerprintOf(pem: string): string | undefined {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/u.exec(pem)?.[1];
  return body === undefined ? undefined : createHash('sha256').update(Buffer.from(body, 'base64')).digest('hex');
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

// A process of its own for each reading, so that its memory can be told: node crl-reader.ts READER CRL CERTIFICATE SERIAL
import { readFileSync } from 'node:fs';
import * as asn1js from 'asn1js';
import 'reflect-metadata';
import * as peculiar from '@peculiar/x509';
import * as pkijs from 'pkijs';
import { fromHex, parseCertificate, parseCrl, verifySignature } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';

/** What a reading has cost. */
export interface CrlReading {
  readonly cpuMs: number;
  /** Beyond what the process held with the file already in memory. */
  readonly megabytes: number;
  readonly entries: number;
  readonly lookupMicros?: number;
}

const [reader = '', crlFile = '', issuerFile = '', serial = ''] = process.argv.slice(2);
const file = readFileSync(crlFile);
// A view and no copy: the file is to be in memory once.
const der = new Uint8Array(file.buffer, file.byteOffset, file.length);
const lookups = 200_000;

const readers: Record<string, () => Omit<CrlReading, 'cpuMs' | 'megabytes'> & { lookUp?: () => void }> = {
  // Reads, checks the signature, makes the index.
  pki: () => {
    const issuer = parseCertificate(new Uint8Array(readFileSync(issuerFile)));
    const crl = parseCrl(der);
    if (!verifySignature(crl, issuer.spki, nodeCrypto).ok) throw new Error('the signature is good');
    const octets = fromHex(serial);
    if (crl.lookup(octets) === undefined) throw new Error('the serial number is there');
    return { entries: crl.entryCount, lookUp: () => crl.lookup(octets) };
  },
  // Both read only, and check no signature.
  pkijs: () => {
    const { result, offset } = asn1js.fromBER(der, { maxNodes: 1e9, maxContentLength: 1e9 });
    if (offset === -1) throw new Error(result.error);
    const crl = new pkijs.CertificateRevocationList({ schema: result });
    return { entries: crl.revokedCertificates?.length ?? 0 };
  },
  peculiar: () => ({ entries: new peculiar.X509Crl(der).entries.length }),
};

const before = { cpu: process.cpuUsage(), rss: process.resourceUsage().maxRSS };
const outcome = readers[reader]?.();
if (outcome === undefined) throw new Error(`no reader ${reader}`);
const cpu = process.cpuUsage(before.cpu);
const reading: CrlReading = {
  cpuMs: (cpu.user + cpu.system) / 1000,
  megabytes: (process.resourceUsage().maxRSS - before.rss) / 1024,
  entries: outcome.entries,
  ...(outcome.lookUp === undefined ? {} : { lookupMicros: lookupTime(outcome.lookUp) }),
};
console.log(JSON.stringify(reading));

function lookupTime(lookUp: () => void): number {
  const start = process.cpuUsage();
  for (let i = 0; i < lookups; i++) lookUp();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / lookups;
}

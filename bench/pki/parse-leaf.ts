import { X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import * as peculiar from '@peculiar/x509';
import * as pkijs from 'pkijs';
import { checkDer, parseCertificate } from '@countersign/pki';
import { measure } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { claimFaster, rowsOf } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { makeChain } from './chain.ts';

/** A leaf is parsed: every field and every extension checked. */
export async function benchParseLeaf(options: MeasureOptions): Promise<Result> {
  const { leaf } = await makeChain();
  const { der } = leaf;
  const buffer = new Uint8Array(der).buffer;
  const against = 'pki';
  const measured = await measure(
    {
      name: 'parse a leaf',
      against,
      contenders: [
        { name: 'bare walk over the DER', run: () => checkDer(der) },
        { name: 'pki', run: () => parseCertificate(der) },
        {
          name: 'pki, names and extensions looked at',
          run: () => {
            const { subjectAltName, keyUsage, extendedKeyUsage, subject, serialHex } = parseCertificate(der);
            return [subjectAltName, keyUsage, extendedKeyUsage, subject.key, serialHex];
          },
        },
        { name: 'node:crypto (OpenSSL)', run: () => new X509Certificate(der) },
        { name: 'pkijs', run: () => pkijs.Certificate.fromBER(buffer) },
        { name: '@peculiar/x509', run: () => new peculiar.X509Certificate(buffer) },
      ],
    },
    options,
  );
  return {
    name: `parse a leaf of ${der.length} octets`,
    rows: rowsOf(measured, against),
    claims: [claimFaster(measured, 'pki', 'node:crypto (OpenSSL)', 3), claimFaster(measured, 'pki', 'pkijs', 80)],
  };
}

/**
 * BoringSSL's OCSP set: PEM files with a response, the certificate it is about and that one's issuer, and
 * `expected.json` with the status each must give. The keys are of RSA-1024, so it runs under `legacy`.
 */

import { join } from 'node:path';
import { parseCertificate, verifyOcspResponse, type OcspResult } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { readPem } from './boringssl-crl.ts';
import { attempt, type Case, type Outcome, type Suite } from './case.ts';
import { malformed } from './words.ts';

export interface BoringOcspFile {
  readonly verifyTime: string;
  readonly maxAgeSeconds?: number;
  readonly cases: readonly { readonly file: string; readonly revocationStatus?: string }[];
}

/** Serial numbers with a needless zero, and times in either form. */
const OLD_FORMS = { allowPaddedSerial: true, anyTimeForm: true } as const;

export function boringOcspSuite(file: BoringOcspFile, data: string): Suite {
  return {
    legacy: true,
    cases: file.cases.map(({ file: name, revocationStatus: expected }): Case => ({
      id: name,
      expected,
      agrees: (outcome) => statusOf(outcome) === expected,
      run: () => attempt(() => runCase(join(data, name), file), malformed),
    })),
  };
}

function statusOf({ actual, code }: Outcome): string {
  if (actual === 'SUCCESS') return 'GOOD';
  return code === 'revoked' ? 'REVOKED' : 'UNKNOWN';
}

function runCase(path: string, file: BoringOcspFile): Outcome {
  const blocks = readPem(path);
  const der = (label: string): Uint8Array | undefined => blocks.find((block) => block.label === label)?.der;
  const response = der('OCSP RESPONSE');
  const certificate = der('CERTIFICATE');
  const issuer = der('CA CERTIFICATE');
  if (response === undefined || certificate === undefined || issuer === undefined) {
    return { actual: 'SKIP', code: null, detail: 'the file lacks the response, the certificate or its issuer' };
  }
  return inWords(
    verifyOcspResponse(response, {
      certificate: parseCertificate(certificate, OLD_FORMS),
      issuer: parseCertificate(issuer, OLD_FORMS),
      time: Date.parse(file.verifyTime),
      crypto: nodeCrypto,
      algorithms: 'legacy',
      ...(file.maxAgeSeconds !== undefined && { maxAgeSeconds: file.maxAgeSeconds }),
    }),
  );
}

function inWords(result: OcspResult): Outcome {
  switch (result.status) {
    case 'good':
      return { actual: 'SUCCESS', code: null, detail: 'good' };
    case 'revoked':
      return { actual: 'FAILURE', code: 'revoked', detail: result.reason ?? 'no reason given' };
    case 'unknown':
      return { actual: 'FAILURE', code: result.code, detail: result.detail };
  }
}

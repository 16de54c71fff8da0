/**
 * BoringSSL's CRL set: PEM files with a leaf, its CA (and the CA's own issuer) and a list, and `expected.json` with the
 * status each must give. The keys are of RSA-1024, so it runs under `legacy`.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crlChecker, parseCertificate, parseCrl, pemDecode, trustAnchor, type PemBlock } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { attempt, MissingFile, type Case, type Outcome, type Suite } from './case.ts';
import { failure, malformed } from './words.ts';

export interface BoringFile {
  readonly verifyTime: string;
  readonly maxAgeSeconds?: number;
  readonly cases: readonly { readonly file: string; readonly expected?: string }[];
}

export function boringCrlSuite(file: BoringFile, data: string): Suite {
  return {
    legacy: true,
    cases: file.cases.map(({ file: name, expected }): Case => ({
      id: name,
      expected,
      agrees: (outcome) => statusOf(outcome) === expected,
      run: () => attempt(() => runCase(readPem(join(data, name)), file), malformed),
    })),
  };
}

export function readPem(path: string): readonly PemBlock[] {
  try {
    return pemDecode(readFileSync(path));
  } catch (error) {
    throw new MissingFile(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const OLD_FORMS = { anyTimeForm: true } as const;

function statusOf({ actual, code }: Outcome): string {
  if (actual === 'SUCCESS') return 'GOOD';
  return code === 'revoked' || code === 'held' ? 'REVOKED' : 'UNKNOWN';
}

function runCase(blocks: readonly PemBlock[], file: BoringFile): Outcome {
  const der = (label: string): Uint8Array | undefined => blocks.find((block) => block.label === label)?.der;
  const certificates = ['CERTIFICATE', 'CA CERTIFICATE', 'CA CERTIFICATE 2'].flatMap((label) => {
    const bytes = der(label);
    return bytes === undefined ? [] : [parseCertificate(bytes, OLD_FORMS)];
  });
  const path = certificates.slice(0, -1);
  const anchor = certificates.at(-1);
  const list = der('CRL');
  if (anchor === undefined || path.length === 0 || list === undefined) {
    return { actual: 'SKIP', code: null, detail: 'the file lacks a certificate, its issuer or the list' };
  }
  let crls;
  try {
    crls = [parseCrl(list, OLD_FORMS)];
  } catch (error) {
    return failure('revocation_unknown', path[0], error instanceof Error ? error.message : String(error));
  }
  const check = crlChecker({
    crls,
    scope: 'leaf',
    ...(file.maxAgeSeconds !== undefined && { maxAge: file.maxAgeSeconds * 1000 }),
  });
  const candidate = { path, anchor: trustAnchor(anchor) };
  const found = check(candidate, {
    anchors: [candidate.anchor],
    time: Date.parse(file.verifyTime),
    crypto: nodeCrypto,
    algorithms: 'legacy',
  });
  return found === undefined
    ? { actual: 'SUCCESS', code: null, detail: 'good' }
    : failure(found.code, found.at, found.detail);
}

import {
  lintCrl,
  parseCrl,
  parseOcspRequest,
  parseOcspResponse,
  parseOcspResponseData,
  verifyOcspResponse,
} from '@countersign/pki';
import type { Crl, OcspResponse } from '@countersign/pki';
import { createRoot, TEST_TIME } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';
import { seedsFor } from '../corpus.ts';
import { compareCrl, compareOcspResponse } from '../oracles/pkijs.ts';
import type { FuzzTarget } from '../target.ts';
import { isPkiError } from './expected.ts';

const issuer = await createRoot('Fuzz', { now: TEST_TIME });
const leaf = await issuer.issue('leaf');
/** Whatever is signed is signed: what hides behind the signature is to be reached. */
const credulous = { ...nodeCrypto, verify: () => true };

function runCrl(bytes: Uint8Array): Crl {
  const crl = parseCrl(bytes);
  lintCrl(crl, { issuer: issuer.certificate, maxLifetimeSeconds: 1 });
  let first: Uint8Array | undefined;
  crl.forEachEntry((entry) => {
    first ??= entry.serialNumber.slice();
    return entry.certificateIssuer === undefined || entry.reason !== 'keyCompromise';
  });
  crl.lookup(first ?? Uint8Array.of(1));
  crl.lookup(Uint8Array.of(1), issuer.certificate.subject);
  return crl;
}

function runOcspResponse(bytes: Uint8Array): OcspResponse {
  verifyOcspResponse(bytes, {
    certificate: leaf.certificate,
    issuer: issuer.certificate,
    time: TEST_TIME,
    crypto: credulous,
    nonce: Uint8Array.of(1),
    allowMissingNonce: true,
  });
  const response = parseOcspResponse(bytes);
  if (response.basic !== undefined) parseOcspResponseData(response.basic.tbs);
  return response;
}

export const revocationTargets: readonly FuzzTarget[] = [
  {
    name: 'crl',
    form: 'der',
    seeds: () => seedsFor(['X509 CRL', 'CRL'], parseCrl),
    run: runCrl,
    expected: isPkiError,
    compare: (bytes, parsed) => compareCrl(bytes, parsed as Crl),
    compareEvery: 16,
  },
  {
    name: 'ocsp-request',
    form: 'der',
    seeds: () => seedsFor(['OCSP REQUEST'], parseOcspRequest),
    run: parseOcspRequest,
    expected: isPkiError,
  },
  {
    name: 'ocsp-response',
    form: 'der',
    seeds: () => seedsFor(['OCSP RESPONSE'], parseOcspResponse),
    run: runOcspResponse,
    expected: isPkiError,
    compare: (_, parsed) => {
      const { basic } = parsed as OcspResponse;
      return basic === undefined ? undefined : compareOcspResponse(basic);
    },
    compareEvery: 16,
  },
];

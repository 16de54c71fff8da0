import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeCrypto } from '@countersign/trust';
import { parseCertificate, parseOcspRequest, verifyOcspResponse } from '../../src/index.ts';
import type { OcspProblem, OcspResult } from '../../src/index.ts';

const folder = join(import.meta.dirname, '../vectors/boringssl-pki/ocsp_unittest');

interface Expected {
  readonly verifyTime: string;
  readonly maxAgeSeconds: number;
  readonly cases: readonly { file: string; revocationStatus: string; responseStatus: string }[];
}

const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected;

/** Where BoringSSL says `PROVIDED`, the response had an answer for the certificate, whatever became of it. */
const responseStatusOf: Partial<Record<OcspProblem, string>> = {
  ocsp_malformed: 'PARSE_RESPONSE_ERROR',
  ocsp_data_malformed: 'PARSE_RESPONSE_DATA_ERROR',
  ocsp_error: 'ERROR_RESPONSE',
  ocsp_produced_at: 'BAD_PRODUCED_AT',
  ocsp_critical_extension: 'UNHANDLED_CRITICAL_EXTENSION',
  ocsp_no_answer: 'NO_MATCHING_RESPONSE',
  ocsp_not_yet_valid: 'INVALID_DATE',
  ocsp_expired: 'INVALID_DATE',
};

function responseStatus(result: OcspResult): string {
  return (result.status === 'unknown' ? responseStatusOf[result.code] : undefined) ?? 'PROVIDED';
}

describe('OCSP responses of BoringSSL', () => {
  test('there are 36', () => assert.equal(expected.cases.length, 36));

  for (const { file, ...wanted } of expected.cases) {
    const text = readFileSync(join(folder, file), 'utf8');
    const block = (label: string): Uint8Array => {
      const body = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END ${label}-----`).exec(text)?.[1];
      assert.ok(body !== undefined, label);
      return Buffer.from(body, 'base64');
    };

    test(`${file}: ${wanted.revocationStatus}, ${wanted.responseStatus}`, () => {
      const result = verifyOcspResponse(block('OCSP RESPONSE'), {
        // One certificate has a serial number with a needless leading zero.
        certificate: parseCertificate(block('CERTIFICATE'), { allowPaddedSerial: true }),
        issuer: parseCertificate(block('CA CERTIFICATE')),
        time: Date.parse(expected.verifyTime),
        maxAgeSeconds: expected.maxAgeSeconds,
        algorithms: 'legacy',
        crypto: nodeCrypto,
      });
      assert.deepEqual(
        { revocationStatus: result.status.toUpperCase(), responseStatus: responseStatus(result) },
        wanted,
        JSON.stringify(result),
      );
    });

    test(`${file}: the request that goes with it is read`, () => {
      assert.equal(parseOcspRequest(block('OCSP REQUEST')).questions.length, 1);
    });
  }
});

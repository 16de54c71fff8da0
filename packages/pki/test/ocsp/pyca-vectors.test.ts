import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseOcspRequest, parseOcspResponse, parseOcspResponseData, toHex } from '../../src/index.ts';
import type { OcspResponseData } from '../../src/index.ts';

const folder = join(import.meta.dirname, '../vectors/pyca/x509/ocsp');
const read = (file: string): Uint8Array => readFileSync(join(folder, file));

function dataOf(file: string): OcspResponseData {
  const response = parseOcspResponse(read(file));
  assert.ok(response.basic !== undefined);
  return parseOcspResponseData(response.basic.tbs);
}

/** Files that are to be refused, and why. */
const refused: Record<string, string> = {
  'req-duplicate-ext.der': 'ext_duplicate',
  'resp-response-type-unknown-oid.der': 'ocsp_malformed',
  'resp-successful-no-response-bytes.der': 'ocsp_malformed',
  'resp-unknown-response-status.der': 'ocsp_malformed',
};

describe('OCSP files of pyca', () => {
  const files = globSync('*.der', { cwd: folder }).toSorted();
  test('there are 26', () => assert.equal(files.length, 26));

  for (const file of files) {
    const parse = (): unknown => (file.includes('req') ? parseOcspRequest(read(file)) : readWhole(read(file)));
    const code = refused[file];
    test(`${file} is ${code === undefined ? 'read' : `refused with ${code}`}`, () => {
      if (code === undefined) assert.ok(parse());
      else assert.throws(parse, { name: 'PkiError', code });
    });
  }

  test('requests tell what they ask', () => {
    assert.equal(parseOcspRequest(read('req-multi-sha1.der')).questions.length, 2);
    assert.equal(
      toHex(parseOcspRequest(read('req-ext-nonce.der')).nonce ?? new Uint8Array()),
      '7b805a1d3726b8b84f48d2f8bfd72dfd',
    );
    assert.equal(parseOcspRequest(read('req-invalid-hash-alg.der')).questions[0]?.certId.digest, undefined);
  });

  test('responses tell what they answer', () => {
    const revoked = dataOf('resp-revoked-reason.der').responses[0];
    assert.ok(revoked?.certStatus.status === 'revoked');
    assert.equal(revoked.certStatus.reason, 'superseded');
    assert.equal(new Date(revoked.certStatus.revocationTime).toISOString(), '2018-06-27T12:30:01.000Z');
    assert.equal(dataOf('resp-revoked-no-next-update.der').responses[0]?.nextUpdate, undefined);
    assert.equal(dataOf('resp-responder-key-hash.der').responderId.type, 'key');
    assert.deepEqual(parseOcspResponse(read('resp-unauthorized.der')), { status: 'unauthorized', basic: undefined });
  });
});

function readWhole(der: Uint8Array): unknown {
  const response = parseOcspResponse(der);
  return response.basic === undefined ? response : parseOcspResponseData(response.basic.tbs);
}

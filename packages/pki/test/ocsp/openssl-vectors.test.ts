import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nodeCrypto } from '@countersign/trust';
import {
  parseCertificate,
  parseOcspResponse,
  parseOcspResponseData,
  pemDecode,
  verifyOcspResponse,
} from '../../src/index.ts';
import type { Certificate, OcspResult } from '../../src/index.ts';

const folder = join(import.meta.dirname, '../vectors/certvalidator/openssl-ocsp');

const certificate = (file: string): Certificate => {
  const [first] = pemDecode(readFileSync(join(folder, file)));
  assert.ok(first);
  return parseCertificate(first.der);
};
const response = (file: string): Uint8Array => Buffer.from(readFileSync(join(folder, file), 'latin1'), 'base64');

/** Each was valid for a few days of 2012: OpenSSL's suite passes over the dates, we judge at the beginning. */
function beginning(der: Uint8Array): number {
  const { basic } = parseOcspResponse(der);
  assert.ok(basic);
  const data = parseOcspResponseData(basic.tbs);
  return Math.max(data.producedAt, ...data.responses.map(({ thisUpdate }) => thisUpdate));
}

/** The certificates that go with the series D1, D2, D3, ND1, ND2, ND3. */
function seriesOf(series: string): { subject: Certificate; issuer: Certificate } {
  const [subject = ''] = globSync(`${series}_Cert_*.pem`, { cwd: folder });
  const [issuer = ''] = globSync(`${series}_Issuer_*.pem`, { cwd: folder });
  return { subject: certificate(subject), issuer: certificate(issuer) };
}

function verify(file: string, series: string, issuer?: Certificate): OcspResult {
  const own = seriesOf(series);
  return verifyOcspResponse(response(file), {
    certificate: own.subject,
    issuer: issuer ?? own.issuer,
    time: beginning(response(file)),
    algorithms: 'legacy',
    crypto: nodeCrypto,
  });
}

/** What the prefix of a file's name says is wrong in it. */
const faults: Record<string, string> = {
  ISOP: 'ocsp_signature', // invalid signature on the response
  WRID: 'ocsp_responder_unknown', // wrong responder ID
  WINH: 'ocsp_no_answer', // wrong issuer name hash
  WIKH: 'ocsp_no_answer', // wrong issuer key hash
  WKDOSC: 'ocsp_responder_unknown', // wrong key in the delegate's certificate, which the response names by its key
  ISDOSC: 'ocsp_responder_unauthorized', // invalid signature on the delegate's certificate
};

describe("OCSP responses of OpenSSL's suite", () => {
  test('D3: the certificate of the delegate has an empty subjectAltName, so it is none (RFC 5280, 4.2.1.6)', () => {
    for (const file of globSync('*D3.ors', { cwd: folder }).filter((name) => !name.includes('ND3'))) {
      const result = verify(file, 'D3');
      assert.ok(result.status === 'unknown');
      if (file === 'D3.ors') assert.match(result.detail, /no certificate for the responder; .* no name at all/);
    }
  });

  for (const series of ['D1', 'D2', 'ND1', 'ND2', 'ND3']) {
    test(`${series}: good, signed ${series.startsWith('D') ? 'by a delegate' : 'by the issuer itself'}`, () => {
      const result = verify(`${series}.ors`, series);
      assert.equal(result.status, 'good', JSON.stringify(result));
      assert.ok(result.status === 'good');
      assert.equal(result.responder.kind, series.startsWith('D') ? 'delegated' : 'issuer');
    });

    test(`${series}: the issuer's certificate with another key says nothing`, () => {
      const [wrongKey = ''] = globSync(`WKIC_${series}_*.pem`, { cwd: folder });
      assert.equal(verify(`${series}.ors`, series, certificate(wrongKey)).status, 'unknown');
    });
  }

  const files = globSync('*_*.ors', { cwd: folder }).toSorted();
  test('there are 30 that are wrong', () => assert.equal(files.length, 30));
  for (const file of files.filter((name) => !name.includes('_D3'))) {
    const [prefix = '', series = ''] = file.replace('.ors', '').split('_');
    test(`${file}: ${faults[prefix]}`, () => {
      const result = verify(file, series);
      assert.ok(result.status === 'unknown');
      assert.equal(result.code, faults[prefix], result.detail);
    });
  }

  test('SHA-1 is refused unless legacy algorithms were asked for', () => {
    const { subject, issuer } = seriesOf('ND1');
    const result = verifyOcspResponse(response('ND1.ors'), {
      certificate: subject,
      issuer,
      time: beginning(response('ND1.ors')),
      crypto: nodeCrypto,
    });
    assert.ok(result.status === 'unknown');
    assert.equal(result.code, 'ocsp_weak');
  });
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildAndValidate, crlChecker, parseCertificate, parseCrl, PkiError, trustAnchor } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';

const folder = join(import.meta.dirname, 'vectors/pkits');
const old = { anyTimeForm: true } as const;

/** Every file of a folder that can be read; PKITS has three that are malformed on purpose. */
function readAll<T>(kind: string, parse: (der: Uint8Array) => T): { parsed: Map<string, T>; malformed: string[] } {
  const parsed = new Map<string, T>();
  const malformed: string[] = [];
  for (const file of readdirSync(join(folder, kind)).toSorted()) {
    const name = file.replace(/\.c(?:rt|rl)$/, '');
    try {
      parsed.set(name, parse(new Uint8Array(readFileSync(join(folder, kind, file)))));
    } catch (error) {
      if (!(error instanceof PkiError)) throw error;
      malformed.push(name);
    }
  }
  return { parsed, malformed };
}

describe('all of PKITS in one bag', () => {
  const certificates = readAll('certs', (der) => parseCertificate(der, old));
  const crls = readAll('crls', (der) => parseCrl(der, old));
  const root = certificates.parsed.get('TrustAnchorRootCertificate');

  test('three files are malformed', () => {
    assert.deepEqual(
      [...certificates.malformed, ...crls.malformed],
      ['BadSignedCACert', 'InvalidDSASignatureTest6EE', 'BadCRLSignatureCACRL'],
    );
  });

  test('each end entity is found valid or invalid as its test says, among 400 certificates and 170 lists', () => {
    assert.ok(root !== undefined);
    const intermediates = [...certificates.parsed.values()];
    const revocation = crlChecker({ crls: [...crls.parsed.values()] });
    const wrong: string[] = [];
    let count = 0;
    for (const [name, leaf] of certificates.parsed) {
      // The tests of policies take inputs of their own, which the file names do not tell.
      const says = /^(Valid|Invalid).*EE$/.exec(name)?.[1];
      if (says === undefined) continue;
      count += 1;
      const result = buildAndValidate(leaf, {
        anchors: [trustAnchor(root)],
        intermediates,
        time: Date.parse('2011-04-15T00:00:00Z'),
        crypto: nodeCrypto,
        algorithms: 'legacy',
        revocation,
      });
      if (result.ok !== (says === 'Valid')) wrong.push(result.ok ? name : `${name}: ${result.code}, ${result.detail}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(count > 200, `${count}`);
  });
});

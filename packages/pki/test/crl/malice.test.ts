import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { der, fromHex, OID, parseCrl, PkiError } from '@countersign/pki';
import type { PkiErrorCode } from '@countersign/pki';
import { ECDSA, extensionDer, NAME } from '../x509/support/forge.ts';

const NOW = Date.UTC(2026, 0, 1);
const nul = der.nullValue();

interface CrlParts {
  version: Uint8Array | undefined;
  innerAlgorithm: Uint8Array;
  issuer: Uint8Array;
  thisUpdate: Uint8Array;
  nextUpdate: Uint8Array | undefined;
  entries: Uint8Array | undefined;
  extensions: Uint8Array | undefined;
  afterTbs: Uint8Array | undefined;
  outerAlgorithm: Uint8Array;
  signature: Uint8Array;
  after: Uint8Array | undefined;
}

const DEFAULTS: CrlParts = {
  version: der.integer(1),
  innerAlgorithm: ECDSA,
  issuer: NAME,
  thisUpdate: der.time(NOW),
  nextUpdate: der.time(NOW + 1000),
  entries: undefined,
  extensions: undefined,
  afterTbs: undefined,
  outerAlgorithm: ECDSA,
  signature: der.bitString(fromHex('3000')),
  after: undefined,
};

function forge(changes: Partial<CrlParts> = {}): Uint8Array {
  const parts = { ...DEFAULTS, ...changes };
  const tbs = der.sequence(
    parts.version,
    parts.innerAlgorithm,
    parts.issuer,
    parts.thisUpdate,
    parts.nextUpdate,
    parts.entries,
    parts.extensions,
    parts.afterTbs,
  );
  return der.sequence(tbs, parts.outerAlgorithm, parts.signature, parts.after);
}

function entry(...extensions: readonly Uint8Array[]): Uint8Array {
  const list = extensions.length === 0 ? undefined : der.sequence(...extensions);
  return der.sequence(der.integer(5), der.time(NOW), list);
}

function extensions(...list: readonly Uint8Array[]): Uint8Array {
  return der.explicit(0, der.sequence(...list));
}

const REASON = extensionDer(OID.crlReason, fromHex('0a0101'));
const idp = (hex: string): Uint8Array => extensions(extensionDer(OID.issuingDistributionPoint, fromHex(hex), true));
const withEntry = (...list: readonly Uint8Array[]): Partial<CrlParts> => ({ entries: der.sequence(entry(...list)) });

test('the forged CRL is read when nothing is changed', () => {
  const crl = parseCrl(forge());
  assert.equal(crl.version, 2);
  assert.equal(crl.entryCount, 0);
  assert.equal(parseCrl(forge(withEntry(REASON))).lookup(Uint8Array.of(5))?.reason, 'keyCompromise');
});

const cases: readonly [what: string, Partial<CrlParts>, PkiErrorCode][] = [
  ['version 1 spelled out', { version: der.integer(0) }, 'crl_version'],
  ['version 3', { version: der.integer(2) }, 'crl_version'],
  [
    'extensions in version 1',
    { version: undefined, extensions: extensions(extensionDer('1.2.3', nul)) },
    'crl_version',
  ],
  ['entry extensions in version 1', { version: undefined, ...withEntry(REASON) }, 'crl_version'],
  ['another algorithm inside', { innerAlgorithm: der.sequence(der.oid('1.2.3')) }, 'algorithm_mismatch'],
  ['no thisUpdate', { thisUpdate: new Uint8Array(0), nextUpdate: undefined }, 'der_truncated'],
  ['three dates', { entries: der.time(NOW) }, 'der_trailing'],
  ['an empty list of entries', { entries: der.sequence() }, 'crl_malformed'],
  ['an entry without a date', { entries: der.sequence(der.sequence(der.integer(5))) }, 'der_truncated'],
  ['an entry without a serial number', { entries: der.sequence(der.sequence(der.time(NOW))) }, 'der_tag'],
  [
    'a padded serial number',
    { entries: der.sequence(der.sequence(fromHex('02020005'), der.time(NOW))) },
    'der_integer',
  ],
  [
    'an empty list of entry extensions',
    { entries: der.sequence(der.sequence(der.integer(5), der.time(NOW), der.sequence())) },
    'ext_malformed',
  ],
  [
    'an element behind the entry extensions',
    { entries: der.sequence(der.sequence(der.integer(5), der.time(NOW), der.sequence(REASON), nul)) },
    'der_trailing',
  ],
  [
    'a malformed entry behind good ones',
    { entries: der.sequence(entry(), entry(REASON), der.sequence(der.integer(5))) },
    'der_truncated',
  ],
  ['a reason twice', withEntry(REASON, REASON), 'ext_duplicate'],
  [
    'an unknown entry extension twice',
    withEntry(extensionDer('1.2.3', nul), REASON, extensionDer('1.2.3', nul)),
    'ext_duplicate',
  ],
  ['reason 7', withEntry(extensionDer(OID.crlReason, fromHex('0a0107'))), 'ext_malformed'],
  ['reason 11', withEntry(extensionDer(OID.crlReason, fromHex('0a010b'))), 'ext_malformed'],
  ['a negative reason', withEntry(extensionDer(OID.crlReason, fromHex('0a01ff'))), 'der_integer_range'],
  ['an INTEGER for the reason', withEntry(extensionDer(OID.crlReason, fromHex('020101'))), 'der_tag'],
  ['a UTCTime for the invalidity date', withEntry(extensionDer(OID.invalidityDate, der.time(NOW))), 'der_tag'],
  [
    'a certificate issuer without a directory name',
    withEntry(extensionDer(OID.certificateIssuer, der.sequence(der.asciiString(0x82, 'a')), true)),
    'ext_malformed',
  ],
  [
    'a certificate issuer where the list is not indirect',
    withEntry(extensionDer(OID.certificateIssuer, der.sequence(der.explicit(4, NAME)), true)),
    'crl_malformed',
  ],
  ['an empty list of extensions', { extensions: extensions() }, 'ext_malformed'],
  [
    'an extension twice',
    { extensions: extensions(extensionDer('1.2.3', nul), extensionDer('1.2.3', nul)) },
    'ext_duplicate',
  ],
  ['a negative CRL number', { extensions: extensions(extensionDer(OID.crlNumber, der.integer(-1))) }, 'ext_malformed'],
  [
    'a CRL number of 21 octets',
    { extensions: extensions(extensionDer(OID.crlNumber, der.integer(2n ** 160n))) },
    'ext_malformed',
  ],
  [
    'octets behind the CRL number',
    { extensions: extensions(extensionDer(OID.crlNumber, fromHex('02010500'))) },
    'der_trailing',
  ],
  ['an empty issuingDistributionPoint', { extensions: idp('3000') }, 'crl_malformed'],
  ['a list for users and for CAs', { extensions: idp('30068101ff8201ff') }, 'crl_malformed'],
  ['issuingDistributionPoint fields out of order', { extensions: idp('30068401ff8101ff') }, 'der_trailing'],
  [
    'an element behind the extensions',
    { extensions: extensions(extensionDer('1.2.3', nul)), afterTbs: nul },
    'der_trailing',
  ],
  ['an element behind the signature', { after: nul }, 'der_trailing'],
  ['a signature with unused bits', { signature: der.bitString(fromHex('80'), 1) }, 'der_bit_string'],
];

for (const [what, changes, code] of cases) {
  test(`a CRL with ${what} is refused`, () => {
    assert.throws(
      () => parseCrl(forge(changes)),
      (error) => {
        assert.ok(error instanceof PkiError, String(error));
        assert.equal(error.code, code);
        return true;
      },
    );
  });
}

test('a web page, an empty file and a file cut off are refused', () => {
  for (const octets of [new TextEncoder().encode('<html>404</html>'), new Uint8Array(0), forge().subarray(0, -1)]) {
    assert.throws(() => parseCrl(octets), PkiError);
  }
});

test('a list without nextUpdate, or of version 1, is read and says so', () => {
  assert.equal(parseCrl(forge({ nextUpdate: undefined })).nextUpdate, undefined);
  const old = parseCrl(forge({ version: undefined, entries: der.sequence(entry()) }));
  assert.equal(old.version, 1);
  assert.notEqual(old.lookup(Uint8Array.of(5)), undefined);
  // Without nextUpdate the list of entries comes next: it must not be lost.
  assert.equal(parseCrl(forge({ nextUpdate: undefined, ...withEntry() })).entryCount, 1);
});

test('unknown critical extensions of the list and of its entries are told, each once', () => {
  const unknown = extensionDer('1.2.3', nul, true);
  const crl = parseCrl(
    forge({
      entries: der.sequence(entry(unknown), entry(unknown, REASON), entry(extensionDer('1.2.4', nul))),
      extensions: extensions(extensionDer('1.2.5', nul, true), extensionDer('1.2.6', nul)),
    }),
  );
  assert.deepEqual(crl.unknownCriticalExtensions, ['1.2.3', '1.2.5']);
});

test('a size limit is kept', () => {
  assert.throws(
    () => parseCrl(forge(), { maxBytes: 10 }),
    (error) => error instanceof PkiError && error.code === 'der_size',
  );
});

const rich = forge({
  entries: der.sequence(
    entry(REASON, extensionDer(OID.invalidityDate, der.generalizedTime(NOW)), extensionDer('1.2.3', nul)),
    entry(extensionDer(OID.certificateIssuer, der.sequence(der.explicit(4, NAME)), true)),
  ),
  extensions: extensions(
    extensionDer(OID.crlNumber, der.integer(5)),
    extensionDer(
      OID.issuingDistributionPoint,
      der.sequence(der.explicit(0, der.constructed(0xa0, [der.asciiString(0x86, 'http://a')])), fromHex('8401ff')),
      true,
    ),
    extensionDer(OID.authorityKeyIdentifier, der.sequence(der.element(0x80, fromHex('01')))),
    extensionDer(OID.deltaCrlIndicator, der.integer(4), true),
  ),
});

test('whatever octets are changed, only a PkiError is thrown, and nothing is thrown later', () => {
  const change = fc.tuple(fc.nat(rich.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const mutant = rich.slice();
      for (const [at, octet] of changes) mutant[at] = octet;
      let crl;
      try {
        crl = parseCrl(mutant);
      } catch (error) {
        assert.ok(error instanceof PkiError, String(error));
        return;
      }
      let count = 0;
      crl.forEachEntry((found) => {
        count++;
        void [found.serialHex, found.certificateIssuer, found.reason, crl.lookup(found.serialNumber)];
      });
      assert.equal(count, crl.entryCount);
    }),
    { numRuns: 5000 },
  );
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { pemDecode, pemDecodeOne, pemEncode, PkiError } from '@countersign/pki';

const BODY = 'MAMCAQU=';
const block = (label: string, body = BODY): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const OCTETS = Uint8Array.of(0x30, 3, 2, 1, 5);

test('any octets survive the way there and back, and Node reads what is written', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.constantFrom('CERTIFICATE', 'X509 CRL', 'PRIVATE KEY'),
      (octets, label) => {
        const text = pemEncode(label, octets);
        assert.deepEqual(pemDecode(text), [{ label, der: octets }]);
        assert.deepEqual(pemDecode(new TextEncoder().encode(text)), [{ label, der: octets }]);
        const lines = text.trimEnd().split('\n');
        assert.equal(lines.slice(1, -1).join(''), Buffer.from(octets).toString('base64'));
        assert.ok(lines.every((line) => line.length <= 64));
      },
    ),
  );
});

test('text around blocks is skipped, line ends may be any, a byte order mark and indentation do no harm', () => {
  const expected = [
    { label: 'A', der: OCTETS },
    { label: 'B C', der: OCTETS },
  ];
  const text = `Subject: CN=x\n${block('A')}\nmore\n${block('B C')}the end`;
  assert.deepEqual(pemDecode(text), expected);
  assert.deepEqual(pemDecode(text.replaceAll('\n', '\r\n')), expected);
  assert.deepEqual(pemDecode(text.replaceAll('\n', '\r')), expected);
  assert.deepEqual(pemDecode(`\ufeff${block('A')}`), [expected[0]]);
  assert.deepEqual(pemDecode(new TextEncoder().encode(`\ufeff${block('A')}`)), [expected[0]]);
  assert.deepEqual(pemDecode(block('A').replaceAll(/^/gm, '    ')), [expected[0]]);
  assert.deepEqual(pemDecode('nothing here'), []);
});

const malformed: readonly [what: string, text: string][] = [
  ['a block without END', `-----BEGIN A-----\n${BODY}\n`],
  ['END without BEGIN', `${BODY}\n-----END A-----\n`],
  ['END of another label', `-----BEGIN A-----\n${BODY}\n-----END B-----\n`],
  ['BEGIN inside of a block', `-----BEGIN A-----\n-----BEGIN A-----\n${BODY}\n-----END A-----\n`],
  ['a boundary with too few dashes', `-----BEGIN A----\n${BODY}\n-----END A----\n`],
  ['text behind a boundary', `-----BEGIN A-----x\n${BODY}\n-----END A-----\n`],
  ['an empty label', block('')],
  ['an empty block', block('A', '')],
  ['headers', block('A', `Proc-Type: 4,ENCRYPTED\n\n${BODY}`)],
  ['base64 cut off', block('A', 'MAMCAQU')],
  ['too much padding', block('A', 'MAMCAQ===')],
  ['padding in the middle', block('A', 'MAM=AQU=')],
  ['padding alone', block('A', '====')],
  ['stray bits behind the last octet', block('A', 'MAMCAQV=')],
  ['stray bits behind the last octet of one', block('A', 'MB==')],
  ['base64url', block('A', 'MAMCAQU-')],
  ['a character beyond ASCII', block('A', 'MAMCAQ\u0141=')],
  ['a space inside of a line', block('A', 'MAMC AQU=')],
  ['text behind the padding', block('A', 'MAMCAQU=\nMAMC')],
];

for (const [what, text] of malformed) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => pemDecode(text),
      (error) => error instanceof PkiError && error.code === 'pem_malformed',
    );
  });
}

test('exactly one block of a label is asked for', () => {
  assert.deepEqual(pemDecodeOne(block('A') + block('B'), 'B'), OCTETS);
  for (const text of [block('A'), block('B') + block('B')]) {
    assert.throws(
      () => pemDecodeOne(text, 'B'),
      (error) => error instanceof PkiError && error.code === 'pem_label',
    );
  }
});

test('a size limit is kept', () => {
  assert.throws(
    () => pemDecode(block('A'), { maxBytes: 10 }),
    (error) => error instanceof PkiError && error.code === 'pem_size',
  );
});

test('whatever characters are changed, only a PkiError is thrown', () => {
  const text = block('A') + block('B');
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ unit: 'binary', maxLength: 2 }), (at, change) => {
      try {
        pemDecode(text.slice(0, at) + change + text.slice(at + 1));
      } catch (error) {
        assert.ok(error instanceof PkiError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('of Mbed TLS’s certificates with stray spaces only those with spaces inside of a line are refused', () => {
  const folder = join(import.meta.dirname, '../vectors/mbedtls/parse_input');
  const outcomes: Record<string, number | string> = {};
  for (const file of readdirSync(folder).filter((name) => name.includes('space'))) {
    try {
      outcomes[file] = pemDecode(readFileSync(join(folder, file))).length;
    } catch (error) {
      assert.ok(error instanceof PkiError, String(error));
      outcomes[file] = error.code;
    }
  }
  assert.deepEqual(outcomes, {
    'crl-malformed-trailing-spaces.pem': 2,
    'server7_all_space.crt': 'pem_malformed',
    'server7_pem_space.crt': 'pem_malformed',
    'server7_trailing_space.crt': 2,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildName, der, fromHex, parseName, PkiError, TAG } from '@countersign/pki';

function nameOf(tag: number, hex: string): Uint8Array {
  const value = der.element(tag, fromHex(hex));
  return der.sequence(der.setOf([der.sequence(der.oid('2.5.4.3'), value)]));
}

function valueOf(tag: number, hex: string): string | undefined {
  return parseName(nameOf(tag, hex)).rdns[0]?.[0]?.value;
}

test('each string type is read as text', () => {
  assert.equal(valueOf(TAG.UTF8_STRING, 'c3a9e282acf09f9880'), 'é€😀');
  assert.equal(valueOf(TAG.PRINTABLE_STRING, '612e62'), 'a.b');
  assert.equal(valueOf(TAG.IA5_STRING, '6140622a'), 'a@b*');
  assert.equal(valueOf(TAG.TELETEX_STRING, 'e9'), 'é');
  assert.equal(valueOf(TAG.BMP_STRING, '006120ac'), 'a€');
  assert.equal(valueOf(TAG.UNIVERSAL_STRING, '000000610001f600'), 'a😀');
  assert.equal(valueOf(TAG.NUMERIC_STRING, '312033'), '1 3');
  assert.equal(valueOf(TAG.VISIBLE_STRING, '7e'), '~');
});

test('a NUL ends nothing', () => {
  assert.equal(valueOf(TAG.UTF8_STRING, '610062'), 'a\0b');
  assert.equal(valueOf(TAG.BMP_STRING, '006100000062'), 'a\0b');
  assert.equal(valueOf(TAG.IA5_STRING, '610062'), 'a\0b');
});

test('a value that is no string has no text', () => {
  assert.equal(valueOf(TAG.INTEGER, '05'), undefined);
});

const refused: readonly [what: string, tag: number, hex: string][] = [
  ['an overlong UTF-8 form', TAG.UTF8_STRING, 'c080'],
  ['a surrogate in UTF-8', TAG.UTF8_STRING, 'eda080'],
  ['a UTF-8 form cut off', TAG.UTF8_STRING, 'c3'],
  ['UTF-8 beyond U+10FFFF', TAG.UTF8_STRING, 'f4908080'],
  ['an at sign in a PrintableString', TAG.PRINTABLE_STRING, '40'],
  ['a NUL in a PrintableString', TAG.PRINTABLE_STRING, '00'],
  ['a high octet in an IA5String', TAG.IA5_STRING, '80'],
  ['a letter in a NumericString', TAG.NUMERIC_STRING, '61'],
  ['a control character in a VisibleString', TAG.VISIBLE_STRING, '0a'],
  ['a BMPString of odd length', TAG.BMP_STRING, '00610'.padEnd(6, '0')],
  ['a surrogate in a BMPString', TAG.BMP_STRING, 'd83dde00'],
  ['a UniversalString of odd length', TAG.UNIVERSAL_STRING, '000061'],
  ['a UniversalString beyond U+10FFFF', TAG.UNIVERSAL_STRING, '00110000'],
  ['a surrogate in a UniversalString', TAG.UNIVERSAL_STRING, '0000d800'],
];

for (const [what, tag, hex] of refused) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => parseName(nameOf(tag, hex)),
      (error) => error instanceof PkiError && error.code === 'der_string',
    );
  });
}

test('country and serial number are PrintableString, email and DC IA5String, all else UTF8String', () => {
  const tags = (type: string, value: string): number | undefined => buildName([{ type, value }]).rdns[0]?.[0]?.tag;
  assert.equal(tags('C', 'DE'), TAG.PRINTABLE_STRING);
  assert.equal(tags('serialNumber', '12-3'), TAG.PRINTABLE_STRING);
  assert.equal(tags('DC', 'example'), TAG.IA5_STRING);
  assert.equal(tags('emailAddress', 'a@example.com'), TAG.IA5_STRING);
  assert.equal(tags('CN', 'a'), TAG.UTF8_STRING);
  for (const [type, value] of [
    ['C', 'Germany'],
    ['C', 'D1'],
    ['serialNumber', 'a@b'],
    ['DC', 'é'],
    ['nonsense', 'x'],
  ] as const) {
    assert.throws(
      () => buildName([{ type, value }]),
      (error) => error instanceof PkiError && error.code === 'argument',
    );
  }
});

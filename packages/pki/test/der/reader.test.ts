import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDer, DerReader, fromHex, PkiError, TAG } from '@countersign/pki';
import type { DerLimits, PkiErrorCode } from '@countersign/pki';

function reader(hex: string, limits?: DerLimits): DerReader {
  return new DerReader(fromHex(hex.replaceAll(' ', '')), limits);
}

function refuses(code: PkiErrorCode, read: () => unknown): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof PkiError, String(error));
    assert.equal(error.code, code);
    return true;
  });
}

const malformed: readonly [what: string, hex: string, read: (reader: DerReader) => unknown, code: PkiErrorCode][] = [
  ['no header at all', '', (r) => r.any(), 'der_truncated'],
  ['a tag without a length', '30', (r) => r.any(), 'der_truncated'],
  ['content that ends too early', '0402ff', (r) => r.any(), 'der_truncated'],
  ['a length that ends too early', '3082 01', (r) => r.any(), 'der_truncated'],
  ['a length beyond the surrounding element', '3003 0405ff', (r) => (r.enter(TAG.SEQUENCE), r.any()), 'der_truncated'],
  ['an indefinite length', '3080 0000', (r) => r.any(), 'der_length'],
  ['a long form below 128', '04817f', (r) => r.any(), 'der_length'],
  ['a long form with a leading zero', '04820080', (r) => r.any(), 'der_length'],
  ['a length of five octets', '04850100000000', (r) => r.any(), 'der_length'],
  ['the reserved length FF', '04ff', (r) => r.any(), 'der_length'],
  ['a tag number above 30', '1f8101 00', (r) => r.any(), 'der_tag'],
  ['the end-of-contents octet', '0000', (r) => r.any(), 'der_tag'],
  ['another tag', '0201 00', (r) => r.octetString(), 'der_tag'],
  ['a constructed OCTET STRING', '2403 0401ff', (r) => r.octetString(), 'der_tag'],
  ['octets behind the end', '0500 00', (r) => (r.null(), r.finish()), 'der_trailing'],
  ['octets left in a SEQUENCE', '3003 050000', (r) => (r.enter(TAG.SEQUENCE), r.null(), r.leave(5)), 'der_trailing'],
  ['BOOLEAN 01', '010101', (r) => r.boolean(), 'der_boolean'],
  ['an empty BOOLEAN', '0100', (r) => r.boolean(), 'der_boolean'],
  ['a BOOLEAN of two octets', '0102ffff', (r) => r.boolean(), 'der_boolean'],
  ['an empty INTEGER', '0200', (r) => r.integer(), 'der_integer'],
  ['a padded positive INTEGER', '0202007f', (r) => r.integer(), 'der_integer'],
  ['a padded negative INTEGER', '0202ff80', (r) => r.integer(), 'der_integer'],
  ['a negative number where none may be', '0201ff', (r) => r.smallInteger(), 'der_integer_range'],
  ['a number of 2^31', '02050080000000', (r) => r.smallInteger(), 'der_integer_range'],
  ['a NULL with content', '050100', (r) => r.null(), 'der_null'],
  ['an empty OID', '0600', (r) => r.oid(), 'der_oid'],
  ['an OID whose last arc goes on', '06022a86', (r) => r.oid(), 'der_oid'],
  ['an OID arc with leading zeros', '06032a8001', (r) => r.oid(), 'der_oid'],
  ['an OID whose first arc has leading zeros', '06028001', (r) => r.oid(), 'der_oid'],
  ['an OID of 129 octets', `0681 81${'01'.repeat(129)}`, (r) => r.oid(), 'der_oid'],
  ['an empty BIT STRING', '0300', (r) => r.bitString(), 'der_bit_string'],
  ['eight unused bits', '03020800', (r) => r.bitString(), 'der_bit_string'],
  ['unused bits of nothing', '030101', (r) => r.bitString(), 'der_bit_string'],
  ['padding bits that are set', '03020301', (r) => r.bitString(), 'der_bit_string'],
  ['a BIT STRING that is not whole octets', '030201fe', (r) => r.bitOctets(), 'der_bit_string'],
  ['named bits with trailing zero bits', '03020580', (r) => r.namedBits(), 'der_bit_string'],
  ['named bits with a trailing zero octet', '0303008000', (r) => r.namedBits(), 'der_bit_string'],
  ['more than sixteen named bits', '030400800001', (r) => r.namedBits(), 'der_bit_string'],
];

for (const [what, hex, read, code] of malformed) {
  test(`the reader refuses ${what}`, () => {
    refuses(code, () => read(reader(hex)));
  });
}

test('the reader takes the borders of each form', () => {
  assert.equal(reader('01 01 ff').boolean(), true);
  assert.equal(reader('02 04 7fffffff').smallInteger(), 0x7fffffff);
  assert.equal(reader('02 02 0080').smallInteger(), 128);
  assert.equal(reader('03 02 06 40').namedBits(), 2);
  assert.equal(reader('03 01 00').namedBits(), 0);
  assert.equal(reader('03 03 07 00 80').namedBits(), 256);
  assert.equal(reader('06 03 88 37 03').oidText(), '2.999.3');
  const long = reader(`0481 80${'00'.repeat(128)}`);
  long.octetString();
  assert.equal(long.to - long.from, 128);
});

test('a BOOLEAN that is FALSE by default may be absent, TRUE, or FALSE spelled out', () => {
  assert.equal(reader('0500').booleanDefaultFalse(), false);
  assert.equal(reader('0101ff').booleanDefaultFalse(), true);
  assert.equal(reader('010100').booleanDefaultFalse(), false);
  refuses('der_boolean', () => reader('010101').booleanDefaultFalse());
});

test('depth and size are bounded, and the bound says so before any work', () => {
  const deep = '30'
    .repeat(0)
    .concat(...Array.from({ length: 40 }, (_, i) => `30${((39 - i) * 2).toString(16).padStart(2, '0')}`));
  refuses('der_depth', () => checkDer(fromHex(deep)));
  checkDer(fromHex(deep), 0, undefined, { maxDepth: 40 });
  refuses('der_size', () => new DerReader(new Uint8Array(11), { maxBytes: 10 }));
});

test('an error tells the offset of what it is about', () => {
  assert.throws(
    () => checkDer(fromHex('300502010004ff')),
    (error) => error instanceof PkiError && error.offset === 6,
  );
});

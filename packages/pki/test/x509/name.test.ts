import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buildName, der, fromHex, nameEquals, nameToString, parseName, PkiError, TAG } from '@countersign/pki';
import type { Name } from '@countersign/pki';

const CN = '2.5.4.3';

function nameOf(...levels: readonly (readonly Uint8Array[])[]): Name {
  return parseName(der.sequence(...levels.map((attributes) => der.setOf(attributes))));
}

function attribute(value: Uint8Array, type = CN): Uint8Array {
  return der.sequence(der.oid(type), value);
}

const utf8 = (text: string): Name => nameOf([attribute(der.utf8String(text))]);

const equal: readonly [what: string, Name, Name][] = [
  ['case', utf8('Example CA'), utf8('EXAMPLE ca')],
  ['white space around', utf8('  Example CA '), utf8('Example CA')],
  ['runs of white space', utf8('Example \t  CA'), utf8('Example CA')],
  ['a no-break space', utf8('Example\u00a0CA'), utf8('Example CA')],
  ['string types', utf8('Example'), nameOf([attribute(der.asciiString(TAG.PRINTABLE_STRING, 'example'))])],
  ['BMPString', utf8('é'), nameOf([attribute(der.element(TAG.BMP_STRING, fromHex('00e9')))])],
  ['TeletexString', utf8('é'), nameOf([attribute(der.element(TAG.TELETEX_STRING, fromHex('e9')))])],
  ['UniversalString', utf8('é'), nameOf([attribute(der.element(TAG.UNIVERSAL_STRING, fromHex('000000e9')))])],
  ['composition', utf8('e\u0301'), utf8('\u00e9')],
  ['compatibility forms', utf8('\uff21\u2460'), utf8('a1')],
  ['full case folding', utf8('Straße'), utf8('STRASSE')],
  ['final sigma', utf8('ΣΑΣ'), utf8('σας')],
  ['soft hyphens', utf8('exam\u00adple'), utf8('example')],
];

for (const [what, a, b] of equal) {
  test(`names that differ in ${what} alone are equal`, () => {
    assert.equal(nameEquals(a, b), true);
    assert.equal(nameEquals(b, a), true);
    assert.equal(a.key, b.key);
  });
}

const cn = attribute(der.utf8String('a'));
const o = attribute(der.utf8String('b'), '2.5.4.10');

const different: readonly [what: string, Name, Name][] = [
  ['text', utf8('a'), utf8('b')],
  ['a missing space', utf8('ab'), utf8('a b')],
  ['a NUL', utf8('a\0b'), utf8('ab')],
  ['a NUL at the end', utf8('a\0'), utf8('a')],
  ['case beside a control character', utf8('a\u0001'), utf8('A\u0001')],
  ['the dotless i', utf8('\u0131'), utf8('i')],
  ['the attribute type', nameOf([cn]), nameOf([attribute(der.utf8String('a'), '2.5.4.10')])],
  ['the order of levels', nameOf([cn], [o]), nameOf([o], [cn])],
  ['levels against attributes', nameOf([cn], [o]), nameOf([cn, o])],
  ['one level more', nameOf([cn]), nameOf([cn], [cn])],
  ['text that looks like an attribute', utf8('a,O=b'), nameOf([cn], [o])],
  ['text that looks like a key', utf8('a","2.5.4.10=b'), nameOf([cn, o])],
  ['text and number', utf8('5'), nameOf([attribute(der.integer(5))])],
  ['text and the hexadecimal of a number', utf8('#020105'), nameOf([attribute(der.integer(5))])],
  ['nothing', nameOf(), utf8('')],
];

for (const [what, a, b] of different) {
  test(`names that differ in ${what} are not equal`, () => {
    assert.equal(nameEquals(a, b), false);
    assert.notEqual(a.key, b.key);
  });
}

test('attributes of one level compare whatever their order', () => {
  const a = nameOf([attribute(der.utf8String('x')), attribute(der.utf8String('Y'), '2.5.4.10')]);
  const b = nameOf([attribute(der.utf8String('y'), '2.5.4.10'), attribute(der.asciiString(TAG.PRINTABLE_STRING, 'X'))]);
  assert.equal(nameEquals(a, b), true);
});

test('the text follows RFC 4514', () => {
  const text = (...levels: Parameters<typeof buildName>[0]): string => nameToString(buildName(levels));
  assert.equal(text({ type: 'O', value: 'Example, Inc.' }, { type: 'CN', value: 'demo' }), 'CN=demo,O=Example\\, Inc.');
  assert.equal(
    text([
      { type: 'CN', value: 'a' },
      { type: 'UID', value: 'b' },
    ]),
    'CN=a+UID=b',
  );
  assert.equal(text({ type: 'CN', value: ' a ' }), 'CN=\\ a\\ ');
  assert.equal(text({ type: 'CN', value: ' ' }), 'CN=\\ ');
  assert.equal(text({ type: 'CN', value: '\\ ' }), 'CN=\\\\\\ ');
  assert.equal(text({ type: 'CN', value: '#a#' }), 'CN=\\#a#');
  assert.equal(text({ type: 'CN', value: 'a"+;<>\\' }), 'CN=a\\"\\+\\;\\<\\>\\\\');
  assert.equal(text({ type: 'CN', value: 'a\0\nb' }), 'CN=a\\00\\0ab');
  assert.equal(text({ type: 'CN', value: 'a\u202eb' }), 'CN=a\\e2\\80\\aeb');
  assert.equal(text({ type: '1.2.3', value: 'a' }), '1.2.3=#0c0161');
  assert.equal(nameToString(nameOf([attribute(der.integer(5))])), 'CN=#020105');
  assert.equal(text(), '');
});

test('a name that was built says the same when it is read', () => {
  const level = fc.record({ type: fc.constantFrom('CN', 'O', 'OU', 'L', 'UID'), value: fc.string({ unit: 'binary' }) });
  fc.assert(
    fc.property(fc.array(level, { maxLength: 6 }), (levels) => {
      const name = parseName(buildName(levels).der);
      assert.deepEqual(
        name.rdns.map(([first]) => first?.value),
        levels.map(({ value }) => value),
      );
      assert.equal(nameEquals(name, buildName(levels)), true);
    }),
  );
});

const empty = new Uint8Array(0);
const malformed: readonly [what: string, Uint8Array][] = [
  ['an empty level', der.sequence(der.setOf([]))],
  ['an attribute without a value', der.sequence(der.setOf([der.sequence(der.oid(CN))]))],
  [
    'an attribute with two values',
    der.sequence(der.setOf([der.sequence(der.oid(CN), der.utf8String('a'), der.utf8String('b'))])),
  ],
  ['the same attribute twice', der.sequence(der.constructed(TAG.SET, [cn, cn]))],
  ['attributes out of order', der.sequence(der.constructed(TAG.SET, [o, cn]))],
  ['a SEQUENCE for the SET', der.sequence(der.sequence(cn))],
  ['a text for the type', der.sequence(der.setOf([der.sequence(der.utf8String('CN'), der.utf8String('a'))]))],
  ['octets behind it', Uint8Array.of(0x30, 0, 0)],
  ['nothing', empty],
];

for (const [what, encoded] of malformed) {
  test(`a name with ${what} is refused`, () => {
    assert.throws(() => parseName(encoded), PkiError);
  });
}

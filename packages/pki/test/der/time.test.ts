import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { der, DerReader, PkiError, TAG } from '@countersign/pki';

function read(tag: number, text: string, anyTimeForm = false): number {
  return new DerReader(der.asciiString(tag, text), { anyTimeForm }).time();
}

test('every second of the years 0 to 9999 is written and read back, in the form of its year', () => {
  const first = Date.parse('0000-01-01T00:00:00Z') / 1000;
  const last = Date.parse('9999-12-31T23:59:59Z') / 1000;
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), (seconds) => {
      const encoded = der.time(seconds * 1000);
      const date = new Date(seconds * 1000);
      const year = date.getUTCFullYear();
      const utc = year >= 1950 && year <= 2049;
      const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
      assert.equal(encoded[0], utc ? TAG.UTC_TIME : TAG.GENERALIZED_TIME);
      assert.equal(new TextDecoder().decode(encoded.subarray(2)), utc ? digits.slice(2) : digits);
      assert.equal(new DerReader(encoded, { anyTimeForm: true }).time(), seconds * 1000);
    }),
    { numRuns: 2000 },
  );
});

test('milliseconds are cut off, also before 1970', () => {
  assert.deepEqual(der.time(1999), der.time(1000));
  assert.deepEqual(der.time(-1), der.time(-1000));
});

test('a UTCTime below 50 is 20xx, from 50 on 19xx', () => {
  assert.equal(read(TAG.UTC_TIME, '491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59));
  assert.equal(read(TAG.UTC_TIME, '500101000000Z'), Date.UTC(1950, 0, 1));
});

test('leap days exist in leap years alone', () => {
  assert.equal(read(TAG.GENERALIZED_TIME, '24000229000000Z'), Date.UTC(2400, 1, 29));
  assert.equal(read(TAG.UTC_TIME, '000229000000Z'), Date.UTC(2000, 1, 29));
  for (const text of ['21000229000000Z', '20510229000000Z']) {
    assert.throws(() => read(TAG.GENERALIZED_TIME, text), PkiError);
  }
});

const refused: readonly [number, string][] = [
  [TAG.UTC_TIME, '2601010000Z'],
  [TAG.UTC_TIME, '260101000000'],
  [TAG.UTC_TIME, '260101000000z'],
  [TAG.UTC_TIME, '260101000000+0000'],
  [TAG.UTC_TIME, '260101000060Z'],
  [TAG.UTC_TIME, '260101006000Z'],
  [TAG.UTC_TIME, '260101240000Z'],
  [TAG.UTC_TIME, '261301000000Z'],
  [TAG.UTC_TIME, '260001000000Z'],
  [TAG.UTC_TIME, '260100000000Z'],
  [TAG.UTC_TIME, '260431000000Z'],
  [TAG.UTC_TIME, '2601 1000000Z'],
  [TAG.UTC_TIME, '-60101000000Z'],
  [TAG.UTC_TIME, '20260101000000Z'],
  [TAG.GENERALIZED_TIME, '20500101000000.0Z'],
  [TAG.GENERALIZED_TIME, '20500101000000,5Z'],
  [TAG.GENERALIZED_TIME, '205001010000Z'],
  [TAG.GENERALIZED_TIME, '20500101000000'],
  [TAG.GENERALIZED_TIME, '20500101000000+0100'],
  [TAG.GENERALIZED_TIME, '500101000000Z'],
  [TAG.GENERALIZED_TIME, ''],
];

for (const [tag, text] of refused) {
  test(`the time ${JSON.stringify(text)} under tag ${tag} is refused`, () => {
    assert.throws(
      () => read(tag, text),
      (error) => error instanceof PkiError && error.code === 'der_time',
    );
  });
}

test('GeneralizedTime before 2050 passes only where it was allowed', () => {
  assert.throws(() => read(TAG.GENERALIZED_TIME, '20491231235959Z'), PkiError);
  assert.equal(read(TAG.GENERALIZED_TIME, '20491231235959Z', true), Date.UTC(2049, 11, 31, 23, 59, 59));
});

test('a time outside of the years 0 to 9999 cannot be written', () => {
  for (const time of [Date.UTC(10000, 0, 1), -62_167_219_200_001, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => der.time(time),
      (error) => error instanceof PkiError && error.code === 'argument',
    );
  }
});
